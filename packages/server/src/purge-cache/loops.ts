import { type BaseContext, type Loop, minutes } from '../base/index.ts';
import * as store from './store.ts';

/** Background work: forgets requests that no worker has to heed any more. */
export const purgeCacheLoops = ({ db, clock }: BaseContext): readonly Loop[] => [
  {
    name: 'expire-purge-requests',
    everyMs: minutes(10),
    limit: 1000,
    step: (limit) => store.deleteExpired(db, clock.now(), limit),
  },
];
