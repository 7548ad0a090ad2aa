import { makeFolder } from '@taskyard/client';
import { CommandError, exitCodes } from './exit-codes.ts';

/** Creates the data folder of a platform, or ends the command with the reason why that is not possible. */
export const makeDataFolder = (data: string): Promise<void> =>
  makeFolder(data).catch(({ message }: Error) => {
    throw new CommandError(exitCodes.failed, message);
  });
