import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { contentBytesMax } from '@taskyard/client';
import { findInside, type HeldDirectory, holdDirectory, type Root, withHeld } from '../trees/index.ts';
import type { CollectedFile } from './collect.ts';

// Read in one go: a thread's way there and back for each of ten thousand would cost ten times as much. The task has just
// written them, so that they are in memory.
const filesAtOnceMax = 16;

/**
 * The bytes of those of the files that are small. Left out is what cannot be read so: a larger file, one that has gone, a
 * link. Each directory is looked up once.
 */
export const readSmallFiles = async (
  files: readonly CollectedFile[],
): Promise<ReadonlyMap<CollectedFile, Buffer>> => {
  const contents = new Map<CollectedFile, Buffer>();
  for (const { root, path, files: siblings } of directoriesOf(files)) {
    const readAll = async (held: HeldDirectory): Promise<void> => {
      for (const [index, file] of siblings.entries()) {
        if (index % filesAtOnceMax === 0) await setImmediate();
        const bytes = readSmall(held.at(posix.basename(file.path)));
        if (bytes) contents.set(file, bytes);
      }
    };
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

/**
 * The bytes of a small regular file; undefined when it is none or cannot be read. Never waits for the other end of a pipe,
 * and follows no link.
 */
export const readSmall = (path: string | Buffer): Buffer | undefined => {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const facts = fstatSync(descriptor);
    if (!facts.isFile() || facts.size > contentBytesMax) return undefined;
    // A file that grows meanwhile is not read beyond its size.
    const bytes = Buffer.alloc(facts.size);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
};
