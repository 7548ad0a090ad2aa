import { setFlagsFromString } from 'node:v8';

/** V8's own. */
const usualFactor = 2;

/**
 * Starts something large without letting the heap's space for young objects grow meanwhile. Loading a program survives many
 * collections, so V8 would make that space 32 MB, and keep it for as long as nothing happens. Afterwards it may grow again,
 * as soon as there is work. The programs of the commands load themselves in this way, and a platform its server.
 */
export const startInLittleMemory = async <T>(start: () => Promise<T>): Promise<T> => {
  setFlagsFromString('--semi-space-growth-factor=1');
  try {
    return await start();
  } finally {
    setFlagsFromString(`--semi-space-growth-factor=${usualFactor}`);
  }
};
