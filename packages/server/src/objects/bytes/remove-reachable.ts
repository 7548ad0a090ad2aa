import { type Logger, PartyAway } from '../../base/index.ts';
import type { Backend } from './backend.ts';

/**
 * Deletes the bytes at these keys, none of them while the backend is away: what expires there stays, and is tried again.
 * Returns the keys that have none now.
 */
export const removeReachable = async (
  backend: Backend,
  keys: readonly string[],
  log: Logger,
): Promise<ReadonlySet<string>> => {
  try {
    return new Set(await backend.remove(keys));
  } catch (err) {
    if (!(err instanceof PartyAway)) throw err;
    log.warn({ err }, 'expired bytes cannot be deleted now');
    return new Set();
  }
};
