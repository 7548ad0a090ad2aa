import type * as Server from '@taskyard/server';
import { commandName } from './command-name.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { version } from './version.ts';

/** Loads the server's package, which installations for workers and clients lack. */
export const loadServer = async (): Promise<typeof Server> => {
  try {
    return await import('@taskyard/server');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes("'@taskyard/server'")) throw error;
    throw new CommandError(
      exitCodes.usage,
      `The server is not installed here: install taskyard-server-${version()}.tgz beside the command, by one "npm install" of both. ` +
        `"${commandName} worker" and all commands that speak to another server work without it.`,
    );
  }
};
