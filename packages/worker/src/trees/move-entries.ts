import { chmod, lstat, readdir, rename, unlink } from 'node:fs/promises';
import { type HeldDirectory, holdDirectory, ignoring, withHeld } from './held-directory.ts';

// Each level of two trees that grow together holds two directories open.
const depthMax = 200;

/**
 * Moves every entry of a directory into another on the same disk. Directories of one name become one; any other
 * entry takes the place of what has its name there, be it a link. No link is followed.
 */
export const moveEntries = async (from: HeldDirectory, to: HeldDirectory, depth = 0): Promise<void> => {
  if (depth > depthMax) throw new Error(`directories are nested more than ${depthMax} deep`);
  await chmod(from.path, 0o700);
  for (const name of await readdir(from.path, { encoding: 'buffer' })) {
    const moving = await lstat(from.at(name));
    if (moving.isDirectory()) await moveDirectory({ from, to, name, mode: moving.mode & 0o777 }, depth);
    else await rename(from.at(name), to.at(name));
  }
};

const moveDirectory = async (
  { from, to, name, mode }: { from: HeldDirectory; to: HeldDirectory; name: Buffer; mode: number },
  depth: number,
): Promise<void> => {
  const there = await lstat(to.at(name)).catch(ignoring('ENOENT'));
  if (there && !there.isDirectory()) await unlink(to.at(name));
  await withHeld(holdDirectory(from.at(name)), async (directory) => {
    if (there?.isDirectory()) {
      await withHeld(holdDirectory(to.at(name)), async (target) => {
        await chmod(target.path, 0o700);
        await moveEntries(directory, target, depth + 1);
        await chmod(target.path, mode);
      });
      return;
    }
    // Only one that may be written can be moved.
    await chmod(directory.path, 0o700);
    await rename(from.at(name), to.at(name));
    await chmod(directory.path, mode);
  });
};

/** Moves a directory as a whole to a place where nothing is, or an empty directory; its mode does not matter. */
export const moveWhole = async (
  from: { parent: HeldDirectory; name: string },
  to: { parent: HeldDirectory; name: string },
): Promise<void> => {
  await withHeld(holdDirectory(from.parent.at(from.name)), async (directory) => {
    const { mode } = await lstat(from.parent.at(from.name));
    await chmod(directory.path, (mode & 0o7777) | 0o700);
    await rename(from.parent.at(from.name), to.parent.at(to.name));
  });
};
