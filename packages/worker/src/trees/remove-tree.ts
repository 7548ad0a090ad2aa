import { randomBytes } from 'node:crypto';
import { chmod, lstat, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type HeldDirectory, holdDirectory, ignoring, type Name, withHeld } from './held-directory.ts';

// Entries that are worked on at a time.
const atOnceMax = 64;
const roundsMax = 5;

/**
 * Removes a file or a whole tree, no matter what filled it: no link is followed, directories that may not be written are
 * opened first, and no depth is too great. A missing path is no error.
 */
export const removeTree = async (path: string): Promise<void> => {
  const found = await lstat(path).catch(ignoring('ENOENT'));
  if (!found) return;
  await withHeld(holdDirectory(dirname(path)), async (parent) => {
    if (!found.isDirectory()) return unlink(parent.at(basename(path))).catch(ignoring('ENOENT'));
    await removeDirectory(parent, basename(path));
  });
};

/** A process that is being killed may still have written into it. */
const removeDirectory = async (parent: HeldDirectory, name: string): Promise<void> => {
  for (let round = 1; ; round++) {
    try {
      await withHeld(holdDirectory(parent.at(name)), flatten);
      await rmdir(parent.at(name));
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'ENOTEMPTY' || round >= roundsMax) throw error;
    }
  }
};

/** Empties a directory. Directories in it are emptied into it one by one, so that depth costs no open files. */
const flatten = async (root: HeldDirectory): Promise<void> => {
  await chmod(root.path, 0o700);
  const rest: Name[] = await removeFiles(root);
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    await withHeld(holdDirectory(root.at(name)), async (directory) => {
      await chmod(directory.path, 0o700);
      for (const inner of await removeFiles(directory)) rest.push(await moveUp(directory, inner, root));
    });
    await rmdir(root.at(name));
  }
};

/** Removes what is no directory; returns the names of the directories. */
const removeFiles = async (directory: HeldDirectory): Promise<Buffer[]> => {
  const entries = await readdir(directory.path, { withFileTypes: true, encoding: 'buffer' });
  const others = entries.filter((entry) => !entry.isDirectory());
  for (let first = 0; first < others.length; first += atOnceMax) {
    await Promise.all(
      others
        .slice(first, first + atOnceMax)
        .map(({ name }) => unlink(directory.at(name)).catch(ignoring('ENOENT'))),
    );
  }
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
};

const moveUp = async (from: HeldDirectory, name: Buffer, root: HeldDirectory): Promise<string> => {
  const above = `.removed-${randomBytes(9).toString('hex')}`;
  // A directory that may not be written cannot be moved either.
  await withHeld(holdDirectory(from.at(name)), (directory) => chmod(directory.path, 0o700));
  await rename(from.at(name), root.at(above));
  return above;
};
