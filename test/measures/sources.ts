import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Node, SourceFile } from 'typescript/unstable/ast';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { API } from 'typescript/unstable/sync';

/** A file of the project. */
export interface File {
  /** From the root of the project: `packages/server/src/queue/store.ts`. */
  readonly path: string;
  readonly text: string;
}

/** A file with its syntax tree. */
export interface Source extends File {
  readonly tree: SourceFile;
}

/** A place that breaks a rule: a path, with a line where there is one, and what is wrong there. */
export type Offence = string;

const leftOut = /(^|\/)(node_modules|dist|generated|conformance|\.venv|\.git|\.taskyard|\.scratch)(\/|$)/;

/** The files of a folder whose path matches, at any depth; nothing that is generated or built. */
export const filesIn = (root: string, folder: string, pattern: RegExp): File[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (leftOut.test(path)) return [];
    if (entry.isDirectory()) return filesIn(root, path, pattern);
    return pattern.test(path) ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : [];
  });

/** Everything that we write in TypeScript or JavaScript. */
export const programFiles = (root: string): File[] =>
  ['packages', 'test', 'scripts', 'bench', 'examples'].flatMap((folder) =>
    filesIn(root, folder, /\.(tsx?|mjs)$/).filter(({ path }) => !path.endsWith('.d.ts')),
  );

const home = '/measured';
const compilerOptions = {
  noLib: true,
  noResolve: true,
  allowJs: true,
  types: [],
  jsx: 'preserve',
  module: 'esnext',
  moduleDetection: 'force',
};

/** Parses files, and hands them with their syntax trees to a function. Nothing is resolved or checked. */
export const withSources = <T>(files: readonly File[], use: (sources: readonly Source[]) => T): T => {
  const names = files.map(({ path }) => `${home}/${path}`);
  const config = `${home}/tsconfig.json`;
  const entries = files.map(({ text }, i) => [names[i], text] as const);
  const fs = createVirtualFileSystem({
    [config]: JSON.stringify({ compilerOptions, files: names }),
    ...Object.fromEntries(entries),
  });
  const api = new API({ cwd: home, fs });
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    const sources = files.map((file, i) => {
      const tree = project?.program.getSourceFile(names[i] as string);
      if (!tree) throw new Error(`${file.path} cannot be parsed.`);
      return { ...file, tree };
    });
    return use(sources);
  } finally {
    api.close();
  }
};

/** Calls a function with every node below one, in the order of the text. */
export const visit = (node: Node, look: (node: Node) => void): void => {
  node.forEachChild((child) => {
    look(child);
    visit(child, look);
  });
};

/** The number of the line at a position, from 1. */
export const lineAt = (text: string, position: number): number => text.slice(0, position).split('\n').length;

export const isTest = ({ path }: File): boolean => /\.test\.(tsx?|mjs)$/.test(path);
/** A file that only tests use. */
export const isForTests = (file: File): boolean =>
  isTest(file) || /^(test|examples|bench)\/|\/testing(\.ts$|\/)/.test(file.path);
