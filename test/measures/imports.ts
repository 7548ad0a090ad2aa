import { posix } from 'node:path';
import type { StringLiteral } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import { type File, isForTests, type Offence, type Source, visit } from './sources.ts';

/** An import or re-export of a file by another. */
export interface Import {
  readonly from: string;
  /** As it is written: `../base/index.ts`. */
  readonly to: string;
  /** The path of the file that is imported; undefined for a package. */
  readonly target: string | undefined;
}

/** Every import of a file, also those of types alone and those at run time. */
export const importsOf = ({ path, tree }: Source): Import[] => {
  const specifiers: string[] = [];
  visit(tree, (node) => {
    if ((is.isImportDeclaration(node) || is.isExportDeclaration(node)) && node.moduleSpecifier)
      specifiers.push((node.moduleSpecifier as StringLiteral).text);
    if (is.isCallExpression(node) && node.expression.getText() === 'import') {
      const [argument] = node.arguments;
      if (argument && is.isStringLiteral(argument)) specifiers.push(argument.text);
    }
  });
  return specifiers.map((to) => ({
    from: path,
    to,
    target: to.startsWith('.') ? posix.join(posix.dirname(path), to) : undefined,
  }));
};

export const serverFolder = 'packages/server/src/';

/** The floor of a file of the server: `queue`. Undefined for a file beside the floors. */
export const floorOf = ({ path }: Pick<File, 'path'>): string | undefined =>
  path.startsWith(serverFolder) ? /^([^/]+)\//.exec(path.slice(serverFolder.length))?.[1] : undefined;

/** The files beside the floors, which belong to none of them. */
export const filesBesideFloors = (sources: readonly Source[]): Offence[] =>
  sources
    .filter((source) => source.path.startsWith(serverFolder) && !floorOf(source) && !isForTests(source))
    .map(({ path }) => path);

/** The rooms of a domain, lowest first. Rooms of one line do not know each other. */
const rooms: readonly RegExp[] = [
  /^(schema|exchanges|record|definition|lifecycle)$/,
  /^context$/,
  /^store$/,
  /^events$/,
  /^changes$/,
  /^claiming$/,
  /^service$/,
  /^(routes|loops|subscription)$/,
  /^index$/,
];

/** The room of a file: the file or folder below its domain, without its ending. */
const roomOf = (path: string): string =>
  path.slice(serverFolder.length).split('/').slice(1)[0]?.replace(/\.ts$/, '') ?? '';

const heightOf = (path: string): number => rooms.findIndex((room) => room.test(roomOf(path)));

/** Imports of a higher room of the same domain, and circles between its rooms. */
export const upwardImports = (sources: readonly Source[]): Offence[] => {
  const inner = sources
    .filter((source) => floorOf(source) && !isForTests(source))
    .flatMap(importsOf)
    .filter(({ from, target }) => target && floorOf({ path: from }) === floorOf({ path: target }));
  const upward = inner.flatMap(({ from, target = '' }) => {
    const [here, there] = [heightOf(from), heightOf(target)];
    return here >= 0 && there > here ? [`${from} imports ${target}`] : [];
  });
  return [...upward, ...circles(inner)];
};

/** Rooms that need each other, by whatever way. */
const circles = (imports: readonly Import[]): Offence[] => {
  const needs = new Map<string, Set<string>>();
  for (const { from, target = '' } of imports) {
    const [floor, here, there] = [floorOf({ path: from }), roomOf(from), roomOf(target)];
    if (here === there) continue;
    const key = `${floor}/${here}`;
    needs.set(key, (needs.get(key) ?? new Set()).add(`${floor}/${there}`));
  }
  const reaches = (from: string, seen = new Set<string>()): Set<string> => {
    for (const next of needs.get(from) ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      reaches(next, seen);
    }
    return seen;
  };
  return [...needs.keys()]
    .filter((room) => reaches(room).has(room))
    .map((room) => `${room} and what it imports import each other`);
};
