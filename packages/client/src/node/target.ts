import { createWriteStream } from 'node:fs';
import { mkdir, readlink, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Writable } from 'node:stream';

/** A place that a download is written to. */
export interface Target {
  readonly stream: Writable;
  /** Whether written bytes cannot be taken back: true for a pipe or a device. */
  readonly isFinal: boolean;
  /** Call this when the content is complete and right. */
  keep(): Promise<void>;
  /** Call this when it is not: what was written is removed, where that is possible. */
  discard(): Promise<void>;
}

const ifThere = <T>(asked: Promise<T>): Promise<T | undefined> =>
  asked.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });

// A name there is that of an open file or device, like /dev/stdout; it must not be replaced by a file.
const isOfSystem = (path: string): boolean => /^\/(dev|proc)\//.test(resolve(path));

const linksMax = 40;

/** Where symbolic links lead to, which need not be there yet. */
const behindLinks = async (path: string): Promise<string> => {
  let place = path;
  for (let links = 0; links < linksMax; links++) {
    const next = await readlink(place).catch(() => undefined);
    if (next === undefined) return place;
    place = resolve(dirname(place), next);
  }
  throw new Error(`${path} is a symbolic link that leads in a circle.`);
};

/** Opens a path for writing. A file appears, or is replaced, when it is kept; a pipe or device is written into. */
export const openTarget = async (path: string, suffix: string): Promise<Target> => {
  const there = await ifThere(stat(path));
  if (there?.isDirectory()) throw new Error(`${path} is a directory; name a file in it.`);
  if (isOfSystem(path) || (there && !there.isFile())) {
    const nothing = (): Promise<void> => Promise.resolve();
    return { stream: createWriteStream(path), isFinal: true, keep: nothing, discard: nothing };
  }
  // Where a symbolic link leads to, the file is replaced, and the link stays.
  const file = await behindLinks(path);
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.${suffix}.partial`;
  return {
    stream: createWriteStream(partial),
    isFinal: false,
    keep: () => rename(partial, file),
    discard: () => rm(partial, { force: true }),
  };
};
