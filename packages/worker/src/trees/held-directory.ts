import { constants, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { posix } from 'node:path';

/** The name of an entry. Not every name is text: Linux takes any bytes but zero and the slash. */
export type Name = string | Buffer;

/** A directory that is held open: work on its entries stays in it, also when its path leads elsewhere later. */
export interface HeldDirectory {
  /** A path of the directory itself, valid in this process for as long as it is held. */
  readonly path: string;
  /** A path of one of its entries. The name must be a single one. */
  at(name: Name): Buffer;
  close(): Promise<void>;
}

const descriptors = '/proc/self/fd';

/** Whether paths can begin at an open directory. Elsewhere than on Linux they are checked before use instead. */
export const hasDescriptors = process.platform === 'linux' && existsSync(descriptors);

// Opens a directory for use in paths only, which even its mode cannot forbid. Node does not name it.
const O_PATH = hasDescriptors ? 0o10_000_000 : 0;

/** A path in this process of an open file. */
export const pathOfHandle = ({ fd }: FileHandle, otherwise: string): string =>
  hasDescriptors ? `${descriptors}/${fd}` : otherwise;

/** Holds the directory at a path whose last part is no symbolic link. Throws ENOTDIR where it is one. */
export const holdDirectory = async (path: string | Buffer): Promise<HeldDirectory> => {
  const handle = await open(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const place = pathOfHandle(handle, path.toString());
  return {
    path: place,
    at: (name) => Buffer.concat([Buffer.from(`${place}/`), Buffer.from(name as string)]),
    close: () => handle.close(),
  };
};

/** Uses a directory, and closes it. */
export const withHeld = async <T>(
  held: Promise<HeldDirectory>,
  use: (directory: HeldDirectory) => Promise<T>,
): Promise<T> => {
  const directory = await held;
  try {
    return await use(directory);
  } finally {
    await directory.close();
  }
};

/** The names that a relative path goes through; undefined when it leads out of where it begins. */
export const partsOf = (path: string): string[] | undefined => {
  if (posix.isAbsolute(path)) return undefined;
  const parts = posix.normalize(path).split('/');
  if (parts[0] === '..') return undefined;
  return parts.filter((part) => part !== '' && part !== '.');
};

/** Where the paths of a task lead. */
export interface Places {
  /** The task's directory. */
  readonly directory: string;
  /** The directory that absolute paths begin at. Undefined: the root of this machine. */
  readonly outside?: string | undefined;
}

/** A directory that the paths below it must not leave. */
export interface Root {
  readonly directory: string;
  /** What it is called by the absolute links below it. */
  readonly shownAs: string;
}

/** Where a path of a task starts, and the rest of it. */
export const rootOf = ({ directory, outside = '/' }: Places, path: string): { root: Root; path: string } =>
  posix.isAbsolute(path)
    ? { root: { directory: outside, shownAs: '/' }, path: posix.normalize(path).replace(/^\/+/, '') }
    : { root: { directory, shownAs: directory }, path };

/**
 * Holds the directory at these names below a root. No symbolic link is followed below it: a link in the way throws
 * ENOTDIR. With `make`, what is missing is made.
 */
export const holdBelow = async (
  root: string,
  names: readonly string[],
  { make = false } = {},
): Promise<HeldDirectory> => {
  let held = await holdDirectory(root);
  try {
    for (const name of names) {
      if (make) await mkdir(held.at(name)).catch(ignoring('EEXIST'));
      const next = await holdDirectory(held.at(name));
      await held.close();
      held = next;
    }
    return held;
  } catch (error) {
    await held.close();
    throw error;
  }
};

/** Takes failures with these codes for nothing. */
export const ignoring =
  (...codes: readonly string[]) =>
  (error: NodeJS.ErrnoException): undefined => {
    if (!codes.includes(error.code ?? '')) throw error;
  };

const reasons: Readonly<Record<string, string>> = {
  ENOTDIR: 'there is a link or a file where a directory is needed',
  ELOOP: 'there is a link where none is followed',
  EISDIR: 'a directory is there already',
  ENOTEMPTY: 'a directory is there already, and is not empty',
};

/** Why the system refused something, without the path: that may be one of this process only. */
export const systemReason = (error: unknown): string => {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return reasons[code] ?? message.replace(/, \w+( '.*)?$/s, '');
};
