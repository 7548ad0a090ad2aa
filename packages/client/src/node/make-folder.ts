import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * Makes a folder for its owner alone, and the missing ones above it. Throws an error with a sentence where none can be made:
 * Node's own `recursive` tries without end below /proc, where creating a folder fails with ENOENT.
 */
export const makeFolder = async (path: string): Promise<void> => {
  const missing: string[] = [];
  for (let folder = resolve(path); !(await isThere(folder)); folder = dirname(folder))
    missing.unshift(folder);
  for (const folder of missing)
    await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      // Another process was faster.
      if (error.code === 'EEXIST') return;
      throw new Error(`The folder ${path} cannot be made: ${error.message}.`, { cause: error });
    });
};
