import { lstat, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** Where a path leads once all symbolic links are followed; its last parts need not exist. */
const realPlace = async (path: string): Promise<string | undefined> => {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A link that leads nowhere: whoever writes there would create a file wherever it points.
    if (code !== 'ENOENT' || dirname(path) === path || (await exists(path))) return undefined;
    const parent = await realPlace(dirname(path));
    return parent === undefined ? undefined : join(parent, relative(dirname(path), path));
  }
};

/**
 * The real place of a path below a directory; undefined when it leads out of it. The worker may read and write
 * where a task may not, so a link that a task (or an archive) put there must not lead it anywhere else.
 */
export const placeInside = async (directory: string, path: string): Promise<string | undefined> => {
  const root = await realpath(directory);
  const place = await realPlace(resolve(root, path));
  return place !== undefined && (place === root || place.startsWith(root + sep)) ? place : undefined;
};
