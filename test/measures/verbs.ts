import type { Node } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import { floorOf, serverFolder } from './imports.ts';
import { isForTests, lineAt, type Offence, type Source, visit } from './sources.ts';

/** What a measure found: the distinct kinds, and where each is. */
export interface Kinds {
  readonly kinds: readonly string[];
  readonly places: readonly Offence[];
}

const kindsOf = (found: readonly (readonly [kind: string, place: string])[]): Kinds => ({
  kinds: [...new Set(found.map(([kind]) => kind))].sort(),
  places: found.map(([kind, place]) => `${place}: ${kind}`),
});

const isIn = (room: string, { path }: Source): boolean =>
  new RegExp(`^[^/]+/${room}(\\.ts$|/)`).test(path.slice(serverFolder.length));

const program = (sources: readonly Source[]): Source[] =>
  sources.filter((source) => floorOf(source) && !isForTests(source));

const callsOf = ({ tree }: Source, names: RegExp): Node[] => {
  const found: Node[] = [];
  visit(tree, (node) => {
    if (is.isCallExpression(node) && names.test(node.expression.getText())) found.push(node);
  });
  return found;
};

/** Calls of functions of its own service that a file hands what the domain was opened with: `readTask(queue, taskId)`. */
const calledOfService = (source: Source, floor: string): string[] => {
  const names = source.tree.statements.flatMap((statement) => {
    if (!is.isImportDeclaration(statement) || !is.isStringLiteral(statement.moduleSpecifier)) return [];
    if (!/^\.\.?\/service(\.ts|\/)/.test(statement.moduleSpecifier.text)) return [];
    const bindings = statement.importClause?.namedBindings;
    if (!bindings) return [];
    return is.isNamedImports(bindings)
      ? bindings.elements.map(({ name }) => name.text)
      : [bindings.name.text];
  });
  if (names.length === 0) return [];
  const opened = floor.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return callsOf(source, new RegExp(`^(${names.join('|')})(\\.\\w+)?$`))
    .filter((call) => is.isCallExpression(call) && call.arguments[0]?.getText() === opened)
    .map((call) => call.getText().slice(0, 40));
};

const isFunction = (node: Node): boolean => is.isArrowFunction(node) || is.isFunctionExpression(node);

/** Exported functions that return an object of functions: each closes over what the outer one was given. */
const closures = ({ tree }: Source): string[] =>
  tree.statements.flatMap((statement) => {
    if (!is.isVariableStatement(statement) || !/^export\b/.test(statement.getText())) return [];
    return statement.declarationList.declarations.flatMap(({ name, initializer }) => {
      if (!initializer || !is.isArrowFunction(initializer)) return [];
      if (/\bbind(Verbs|Queries)\(/.test(initializer.getText())) return [];
      let members = 0;
      const { body } = initializer;
      const returned = is.isBlock(body)
        ? body.statements.flatMap((each) =>
            is.isReturnStatement(each) && each.expression ? [each.expression] : [],
          )
        : [body];
      for (let value of returned) {
        while (is.isParenthesizedExpression(value)) value = value.expression;
        if (!is.isObjectLiteralExpression(value)) continue;
        for (const member of value.properties)
          if (is.isMethodDeclaration(member)) members++;
          else if (is.isPropertyAssignment(member) && isFunction(member.initializer)) members++;
      }
      return members > 1 ? [name.getText()] : [];
    });
  });

/** How the verbs of the domains are made. A domain is a floor with API methods. */
export const kindsOfVerbs = (sources: readonly Source[]): Kinds => {
  const domains = new Map<string, Source[]>();
  for (const source of program(sources)) {
    const floor = floorOf(source) as string;
    domains.set(floor, [...(domains.get(floor) ?? []), source]);
  }
  const found: [string, string][] = [];
  for (const [floor, files] of domains) {
    const routes = files.filter((file) => isIn('routes', file));
    const service = files.filter((file) => isIn('service', file));
    if (routes.length === 0 || service.length === 0) continue;
    if (files.some((file) => callsOf(file, /^bind(Verbs|Queries)$/).length > 0)) found.push(['bound', floor]);
    if (routes.some((file) => calledOfService(file, floor).length > 0))
      found.push(['functions that routes call past any binding', floor]);
    const closed = service.flatMap(closures);
    if (closed.length > 0) found.push(['closures', `${floor} (${closed.join(', ')})`]);
  }
  return kindsOf(found);
};

const wordsForNeeds = /(Room|Deps|Dependencies|Given|Ground|Needs)$/;

/** The words by which the floors name what they are opened with: the last word of the type's name. */
export const wordsForADomainsNeeds = (sources: readonly Source[]): Kinds =>
  kindsOf(
    program(sources).flatMap((source) =>
      source.tree.statements.flatMap((statement): [string, string][] => {
        if (!is.isInterfaceDeclaration(statement) && !is.isTypeAliasDeclaration(statement)) return [];
        const name = statement.name.text;
        const isOfContext =
          is.isInterfaceDeclaration(statement) &&
          /^[^{]*\bextends\b[^{]*\bBaseContext\b/.test(statement.getText());
        if (!isOfContext && !wordsForNeeds.test(name)) return [];
        const word = /[A-Z][a-z]*$/.exec(name)?.[0] ?? name;
        return [[word, `${source.path}: ${name}`]];
      }),
    ),
  );

/** Places that begin a transaction of their own. All others go through `transact`, which repeats what may be repeated. */
export const placesThatBeginTransactions = (sources: readonly Source[]): Offence[] =>
  sources
    .filter((source) => source.path.startsWith(serverFolder) && !isForTests(source))
    .flatMap((source) =>
      callsOf(source, /\.transaction$/).map(
        (call) => `${source.path}:${lineAt(source.text, call.getStart())}`,
      ),
    );
