import { PartyAway, transact } from '../../base/index.ts';
import type { Backend } from '../bytes/backend.ts';
import type { Context } from '../context.ts';
import * as store from '../store.ts';
import { keyOf } from './backends.ts';

/**
 * Deletes at most this many expired objects; returns how many. Bytes are deleted before rows, so that none remain without
 * a row.
 */
export const expireObjects = (context: Context, limit: number): Promise<number> =>
  transact(context, async (tx, now) => {
    // Objects of a backend that is not configured stay: their bytes cannot be deleted from here.
    const backendIds = [...context.backends.keys()];
    const expired = await store.lockExpired(tx, { backendIds, now, limit });
    const removed: string[] = [];
    for (const [backendId, backend] of context.backends) {
      const names = expired.filter((row) => row.backendId === backendId).map((row) => row.name);
      const free = new Set(await removeFrom(context, { backendId, backend }, names.map(keyOf)));
      removed.push(...names.filter((name) => free.has(keyOf(name))));
    }
    await store.deleteObjects(tx, removed);
    return removed.length;
  });

/** Keys that are free now. A backend that is away does not keep others from being cleaned; its objects are tried again. */
const removeFrom = async (
  { log }: Context,
  { backendId, backend }: { readonly backendId: string; readonly backend: Backend },
  keys: readonly string[],
): Promise<string[]> => {
  try {
    return await backend.remove(keys);
  } catch (err) {
    if (!(err instanceof PartyAway)) throw err;
    log.warn({ err, backendId }, 'expired objects cannot be deleted now');
    return [];
  }
};
