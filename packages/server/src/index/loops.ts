import { type BaseContext, type Loop, minutes } from '../base/index.ts';
import * as store from './store.ts';

/** Background work: forgets what has expired, which nobody has found since. */
export const indexLoops = ({ db, clock }: BaseContext): readonly Loop[] => [
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
