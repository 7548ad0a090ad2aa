import type { Readable } from 'node:stream';
import { isBrokenOff } from '@taskyard/client';
import type Docker from 'dockerode';
import { Unavailable } from '../unavailable.ts';
import { messageOf } from '../worker-log.ts';
import { contentOf } from './content-of.ts';
import { eventsOf } from './pull.ts';
import { renameArchive } from './rename-archive.ts';

/**
 * Loads the one image of an archive, under this name and no other. Throws what is wrong with the archive, in the words of the
 * daemon; an {@link Unavailable} when the daemon breaks off, or has no room.
 */
export const loadArchive = async (
  docker: Docker,
  { path, name, signal }: { path: string; name: string; signal: AbortSignal },
): Promise<void> => {
  const archive = await contentOf(path);
  const content = renameArchive(archive, name);
  let failure: Error | undefined;
  content.on('error', (error) => {
    failure ??= error;
  });
  try {
    const answer = await docker.loadImage(content as unknown as NodeJS.ReadableStream, {
      abortSignal: signal,
    });
    for await (const _ of eventsOf(answer as unknown as Readable));
  } catch (error) {
    signal.throwIfAborted();
    // The error in the archive says more than that its sending broke off.
    if (failure) throw failure;
    // The daemon went while the archive was being sent, or before it had answered.
    const hasGone = (error as NodeJS.ErrnoException).code === 'EPIPE' || isBrokenOff(error);
    const isFull = /no space left on device|disk quota exceeded/i.test(messageOf(error));
    throw hasGone || isFull ? new Unavailable(messageOf(error), { cause: error }) : error;
  } finally {
    content.destroy();
    archive.destroy();
  }
};
