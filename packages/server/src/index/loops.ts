import { type Loop, minutes } from '../base/index.ts';
import type { Context } from './context.ts';
import * as store from './store.ts';

/** Background work: deletes expired entries and namespaces. */
export const indexLoops = ({ db, clock }: Context): readonly Loop[] => [
  {
    name: 'expire-indexed-tasks',
    everyMs: minutes(10),
    limit: 1000,
    step: (limit) => store.deleteExpiredEntries(db, clock.now(), limit),
  },
  {
    name: 'expire-index-namespaces',
    everyMs: minutes(10),
    limit: 1000,
    step: (limit) => store.deleteExpiredNamespaces(db, clock.now(), limit),
  },
];
