import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Where to start a program of this checkout. `npm test` writes those that tests start often to a folder of its own, in few
 * files: most of what a start computes is to find and load what is imported.
 *
 * @param path of the program as it is compiled
 * @returns the path of what `npm test` has written of it; its own path where that is nothing
 */
export const programAt = (path: string): string => {
  const folder = process.env.TASKYARD_TEST_PROGRAMS;
  const written = folder === undefined ? path : join(folder, relative(root, path));
  return existsSync(written) ? written : path;
};
