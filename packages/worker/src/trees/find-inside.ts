import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink } from 'node:fs/promises';
import { type HeldDirectory, holdDirectory, type Name, type Root } from './held-directory.ts';

/** What a path leads to, in the directory that holds it. It is no symbolic link. */
export interface Entry {
  readonly parent: HeldDirectory;
  readonly name: Name;
  readonly kind: 'file' | 'directory' | 'other';
}

/** A path leads out of the directory in which it must stay, or in circles. */
export class LeadsOut extends Error {
  constructor() {
    super('leads out of the directory, or in circles');
    this.name = 'LeadsOut';
  }
}

const linksMax = 40;
const slash = 0x2f;

const split = (path: Buffer): Buffer[] => {
  const names: Buffer[] = [];
  for (let from = 0; from <= path.length; ) {
    const at = path.indexOf(slash, from);
    const end = at === -1 ? path.length : at;
    if (end > from) names.push(path.subarray(from, end));
    from = end + 1;
  }
  return names;
};

/** These names with `.` and `..` taken out. A `..` must only ever follow the name of a real directory. */
const straightened = (names: readonly Buffer[]): Buffer[] => {
  const straight: Buffer[] = [];
  for (const name of names) {
    const text = name.toString('latin1');
    if (text === '..' && straight.pop() === undefined) throw new LeadsOut();
    if (text !== '.' && text !== '..') straight.push(name);
  }
  return straight;
};

/** Where a link leads, as names below the root. */
const linkTarget = (shownAs: string, above: readonly Buffer[], target: Buffer): Buffer[] => {
  if (target[0] !== slash) return [...above, ...split(target)];
  const root = Buffer.from(shownAs === '/' ? '' : shownAs);
  const isBelow =
    target.subarray(0, root.length).equals(root) && [slash, undefined].includes(target[root.length]);
  if (!isBelow) throw new LeadsOut();
  return split(target.subarray(root.length));
};

type Step = { readonly entry: Entry | undefined } | { readonly names: Buffer[] };

/** Walks along the names until their end, or until a link changes them. */
const walk = async ({ directory, shownAs }: Root, names: readonly Buffer[]): Promise<Step> => {
  let parent = await holdDirectory(directory);
  let isHandedOn = false;
  try {
    for (const [index, name] of names.entries()) {
      const found = await lstat(parent.at(name));
      const rest = names.slice(index + 1);
      if (found.isSymbolicLink()) {
        const target = (await readlink(parent.at(name), { encoding: 'buffer' })) as Buffer;
        const led = linkTarget(shownAs, names.slice(0, index), target);
        // A link's own `..` may follow a link: those names are not known to be real yet.
        return { names: [...led, ...rest] };
      }
      if (rest.length === 0) {
        const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
        isHandedOn = true;
        return { entry: { parent, name, kind } };
      }
      const next = await holdDirectory(parent.at(name));
      await parent.close();
      parent = next;
    }
    return { entry: undefined };
  } finally {
    if (!isHandedOn) await parent.close();
  }
};

/**
 * Finds what a path below a root leads to, and hands it to `use`. Links are followed, each looked at before, for as
 * long as they stay below the root: else it throws LeadsOut. Throws ENOENT where nothing is. The root itself has no
 * name in its parent, and is handed on as undefined.
 */
export const findInside = async <T>(
  root: Root,
  path: Name,
  use: (entry: Entry | undefined) => Promise<T>,
): Promise<T> => {
  let names = straightened(split(Buffer.from(path as string)));
  for (let links = 0; links <= linksMax; links++) {
    const step = await walk(root, names);
    if ('names' in step) {
      names = straightened(step.names);
      continue;
    }
    try {
      return await use(step.entry);
    } finally {
      await step.entry?.parent.close();
    }
  }
  throw new LeadsOut();
};

/** Opens a regular file for reading. Never waits for the other end of a pipe. Undefined: it is no regular file. */
export const openFile = async (path: string | Buffer): Promise<FileHandle | undefined> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  return undefined;
};

/** Opens a regular file that a path below a root leads to; undefined where there is none. */
export const openInside = (root: Root, path: Name): Promise<FileHandle | undefined> =>
  findInside(root, path, async (entry) =>
    entry?.kind === 'file' ? openFile(entry.parent.at(entry.name)) : undefined,
  );
