import { transact } from '../../base/index.ts';
import { removeReachable } from '../bytes/remove-reachable.ts';
import type { Context } from '../context.ts';
import * as store from '../store.ts';
import { keyOf } from './backends.ts';

/**
 * Deletes at most this many expired objects of each backend; returns how many. Bytes are deleted before rows, so that none
 * remain without a row. Objects of a backend that is not configured stay: their bytes cannot be deleted from here.
 */
export const expireObjects = (context: Context, limit: number): Promise<number> =>
  transact(context, async (tx, now) => {
    let removed = 0;
    // Each by itself: the oldest may all be in one that is away.
    for (const [backendId, backend] of context.backends) {
      const expired = await store.lockExpired(tx, { backendId, now, limit });
      const names = expired.map(({ name }) => name);
      const free = await removeReachable(backend, names.map(keyOf), context.log);
      const gone = names.filter((name) => free.has(keyOf(name)));
      await store.deleteObjects(tx, gone);
      removed += gone.length;
    }
    return removed;
  });
