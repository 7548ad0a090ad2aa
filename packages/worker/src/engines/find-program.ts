import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** The absolute path of a program in one of these directories (as PATH lists them), if it is there. */
export const findProgram = (name: string, path: string): string | undefined =>
  path
    .split(':')
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => join(directory, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
