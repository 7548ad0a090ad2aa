import { type Loop, minutes } from '../base/index.ts';
import type { Context } from './context.ts';
import * as store from './store.ts';

/** Background work: deletes expired requests. */
export const purgeCacheLoops = ({ db, clock }: Context): readonly Loop[] => [
  {
    name: 'expire-purge-requests',
    everyMs: minutes(10),
    limit: 1000,
    step: (limit) => store.deleteExpired(db, clock.now(), limit),
  },
];
