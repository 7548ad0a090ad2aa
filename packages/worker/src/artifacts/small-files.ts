import { close, constants, fstat, open, read } from 'node:fs';
import { posix } from 'node:path';
import { promisify } from 'node:util';
import { contentBytesMax } from '@taskyard/client';
import { inParallel } from '../in-parallel.ts';
import { findInside, type HeldDirectory, holdDirectory, type Root, withHeld } from '../trees/index.ts';
import type { CollectedFile } from './collect.ts';

// A file handle costs several times what a descriptor does, and there may be ten thousand files.
const [openAt, statOf, readInto, closeAt] = [
  promisify(open),
  promisify(fstat),
  promisify(read),
  promisify(close),
];

const readsAtOnceMax = 8;

/**
 * The bytes of those of the files that are small. Left out is what cannot be read so: a larger file, one that has gone, a
 * link. Each directory is looked up once.
 */
export const readSmallFiles = async (
  files: readonly CollectedFile[],
): Promise<ReadonlyMap<CollectedFile, Buffer>> => {
  const contents = new Map<CollectedFile, Buffer>();
  for (const { root, path, files: siblings } of directoriesOf(files)) {
    const readAll = (held: HeldDirectory): Promise<void> =>
      inParallel(siblings, readsAtOnceMax, async (file) => {
        const bytes = await readSmall(held.at(posix.basename(file.path))).catch(() => undefined);
        if (bytes) contents.set(file, bytes);
      });
    await findInside(root, path, (entry) =>
      withHeld(holdDirectory(entry ? entry.parent.at(entry.name) : root.directory), readAll),
    ).catch(() => undefined);
  }
  return contents;
};

interface Directory {
  readonly root: Root;
  readonly path: string;
  readonly files: CollectedFile[];
}

const directoriesOf = (files: readonly CollectedFile[]): Directory[] => {
  const directories = new Map<string, Directory>();
  for (const file of files) {
    const { inside: root, path } = file;
    if (!root) continue;
    const above = posix.dirname(path);
    const key = JSON.stringify([root.directory, root.shownAs, above]);
    const directory = directories.get(key) ?? { root, path: above, files: [] };
    directory.files.push(file);
    directories.set(key, directory);
  }
  return [...directories.values()];
};

/** The bytes of a small regular file. Never waits for the other end of a pipe, and follows no link. */
const readSmall = async (path: Buffer): Promise<Buffer | undefined> => {
  const descriptor = await openAt(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = await statOf(descriptor);
    if (!facts.isFile() || facts.size > contentBytesMax) return undefined;
    // A file that grows meanwhile is not read beyond its size.
    const bytes = Buffer.alloc(facts.size);
    const { bytesRead } = await readInto(descriptor, bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await closeAt(descriptor);
  }
};
