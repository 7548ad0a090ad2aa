import { makeFolder } from '@taskyard/client';
import { CommandError, exitCodes } from './exit-codes.ts';

/** Makes the folder that a platform keeps its data in, or ends the command with the reason why there can be none. */
export const makeDataFolder = (data: string): Promise<void> =>
  makeFolder(data).catch(({ message }: Error) => {
    throw new CommandError(exitCodes.failed, message);
  });
