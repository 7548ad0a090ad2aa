import { posix } from 'node:path';
import type { Node, TypeNode } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import { importsOf } from './imports.ts';
import { isForTests, type Offence, type Source, visit } from './sources.ts';

/** An interface with its implementations below the folder in which it is declared. */
export interface Implemented {
  readonly name: string;
  readonly path: string;
  /** Names of implementations: of their file, or of their folder. */
  readonly implementations: readonly string[];
}

const isExported = (node: Node): boolean => /^export\b/.test(node.getText());

/** `disk.ts` is called `disk`, `aws/index.ts` `aws`, `read-docker-worker.ts` `docker-worker`. */
const implementationNameOf = (path: string): string =>
  posix.basename(path.endsWith('/index.ts') ? posix.dirname(path) : path, '.ts').replace(/^read-/, '');

const typesIn = (type: TypeNode | undefined): string[] => {
  if (!type || !is.isTypeReferenceNode(type)) return [];
  const name = type.typeName.getText();
  return name === 'Promise' ? (type.typeArguments ?? []).flatMap((inner) => typesIn(inner)) : [name];
};

/** The types of what a file exports: of its values, and of what its functions return. */
const typesOfExports = ({ tree }: Source): string[] =>
  tree.statements.filter(isExported).flatMap((statement) => {
    if (is.isFunctionDeclaration(statement)) return typesIn(statement.type);
    if (is.isClassDeclaration(statement))
      return (statement.heritageClauses ?? []).flatMap(({ types }) =>
        types.map((each) => each.expression.getText()),
      );
    if (!is.isVariableStatement(statement)) return [];
    return statement.declarationList.declarations.flatMap(({ type, initializer }) => [
      ...typesIn(type),
      ...(initializer && is.isArrowFunction(initializer) ? typesIn(initializer.type) : []),
    ]);
  });

const interfacesIn = ({ tree }: Source) =>
  tree.statements.flatMap((statement) =>
    is.isInterfaceDeclaration(statement) && isExported(statement)
      ? [
          {
            name: statement.name.text,
            hasMethods: statement.members.some((member) => is.isMethodSignatureDeclaration(member)),
            bases: (statement.heritageClauses ?? []).flatMap(({ types }) =>
              types.map((each) => each.expression.getText()),
            ),
          },
        ]
      : [],
  );

/** Interfaces with methods and with at least two implementations in other files of their folder, at any depth. */
export const implementedInterfaces = (sources: readonly Source[]): Implemented[] => {
  const program = sources.filter((source) => source.path.startsWith('packages/') && !isForTests(source));
  return program.flatMap((home) => {
    const folder = posix.dirname(home.path);
    const others = program.filter(
      ({ path }) => path !== home.path && path.startsWith(`${folder}/`) && path !== `${folder}/index.ts`,
    );
    return interfacesIn(home).flatMap(({ name, hasMethods }) => {
      if (!hasMethods) return [];
      const extensions = others.flatMap(interfacesIn).filter(({ bases }) => bases.includes(name));
      const names = [name, ...extensions.map((extension) => extension.name)];
      const implementations = others
        .filter((other) => importsOf(other).some(({ target }) => target === home.path))
        .filter((other) => typesOfExports(other).some((type) => names.includes(type)))
        .map(({ path }) => implementationNameOf(path));
      return implementations.length > 1 ? [{ name, path: home.path, implementations }] : [];
    });
  });
};

/** Calls of suites in tests, as `backendSuite disk`: the suite, and the implementation that its first argument names. */
const suiteCalls = (sources: readonly Source[]): Set<string> => {
  const calls = new Set<string>();
  for (const { tree } of sources.filter(isForTests))
    visit(tree, (node) => {
      if (!is.isCallExpression(node)) return;
      const [first] = node.arguments;
      if (first && is.isStringLiteral(first)) calls.add(`${node.expression.getText()} ${first.text}`);
    });
  return calls;
};

/** Implementations that the suite of their interface does not test. `Backend` is tested by `backendSuite('disk', …)`. */
export const untestedImplementations = (sources: readonly Source[]): Offence[] => {
  const calls = suiteCalls(sources);
  return implementedInterfaces(sources).flatMap(({ name, path, implementations }) => {
    const suite = `${name.charAt(0).toLowerCase()}${name.slice(1)}Suite`;
    return implementations
      .filter((implementation) => !calls.has(`${suite} ${implementation}`))
      .map((implementation) => `${path}: ${suite}('${implementation}', …) is called by no test`);
  });
};
