import { posix } from 'node:path';
import type { Expression, Node } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import { floorOf, serverFolder } from './imports.ts';
import { type Offence, type Source, visit } from './sources.ts';

const isDoor = ({ path }: Pick<Source, 'path'>): boolean =>
  path.startsWith(serverFolder) && /^[^/]+\/index\.ts$/.test(path.slice(serverFolder.length));

/** The names that a file exports, as others see them; `*` for everything that another file exports. */
const exportedBy = ({ tree }: Source): string[] =>
  tree.statements.flatMap((statement) => {
    if (is.isExportDeclaration(statement)) {
      const { exportClause } = statement;
      if (!exportClause) return ['*'];
      return is.isNamespaceExport(exportClause)
        ? [exportClause.name.text]
        : exportClause.elements.map(({ name }) => name.text);
    }
    if (!/^export\b/.test(statement.getText())) return [];
    if (is.isVariableStatement(statement))
      return statement.declarationList.declarations.map(({ name }) => name.getText());
    return 'name' in statement && statement.name ? [(statement.name as Node).getText()] : [];
  });

/** The members of a namespace that a file uses. */
const membersOf = (namespace: string, { tree }: Source): string[] => {
  const names: string[] = [];
  visit(tree, (node) => {
    if (is.isPropertyAccessExpression(node) && node.expression.getText() === namespace)
      names.push(node.name.text);
    if (is.isQualifiedName(node) && node.left.getText() === namespace) names.push(node.right.text);
  });
  return names;
};

/** The names that a file takes through doors, as `door name`. */
const takenBy = (source: Source): string[] =>
  source.tree.statements.flatMap((statement) => {
    if (!is.isImportDeclaration(statement) && !is.isExportDeclaration(statement)) return [];
    const door = doorNamed(statement.moduleSpecifier, source);
    if (!door) return [];
    const named = is.isImportDeclaration(statement)
      ? statement.importClause?.namedBindings
      : statement.exportClause;
    if (!named) return [];
    const names =
      is.isNamedImports(named) || is.isNamedExports(named)
        ? named.elements.map(({ name, propertyName }) => (propertyName ?? name).text)
        : membersOf(named.name.text, source);
    return names.map((name) => `${door} ${name}`);
  });

const doorNamed = (specifier: Expression | undefined, { path }: Source): string | undefined => {
  if (!specifier || !is.isStringLiteral(specifier) || !specifier.text.startsWith('.')) return undefined;
  const target = posix.join(posix.dirname(path), specifier.text);
  return isDoor({ path: target }) ? target : undefined;
};

/** Names that the door of a floor exports though no file takes them. */
export const unusedExports = (sources: readonly Source[]): Offence[] => {
  const taken = new Set(sources.flatMap(takenBy));
  return sources.filter(isDoor).flatMap((door) =>
    exportedBy(door)
      .filter((name) => !taken.has(`${door.path} ${name}`))
      .map((name) => `${floorOf(door)} exports ${name}`),
  );
};
