import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@taskyard/client';
import { CommandError, exitCodes } from './exit-codes.ts';

/**
 * Creates the data folder of a platform, or ends the command with the reason why that is not possible. It is often below a
 * checkout, and holds credentials: git does not see it.
 */
export const makeDataFolder = async (data: string): Promise<void> => {
  await makeFolder(data).catch(({ message }: Error) => {
    throw new CommandError(exitCodes.failed, message);
  });
  // One that is there is the user's; where none can be written, something else will say so.
  await writeFile(join(data, '.gitignore'), '*\n', { flag: 'wx' }).catch(() => undefined);
};
