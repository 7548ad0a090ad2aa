import { hours, type Loop } from '../base/index.ts';
import type { Context } from './context.ts';
import * as store from './store.ts';

/** Background work that any one process may do for all. */
export const expiryLoops = ({ db, clock }: Context): Loop[] => [
  {
    name: 'expire-workers',
    everyMs: hours(1),
    limit: 1000,
    step: (limit) => store.deleteExpiredWorkers(db, limit, clock.now()),
  },
  {
    name: 'expire-task-queues',
    everyMs: hours(1),
    limit: 1000,
    step: (limit) => store.deleteExpiredTaskQueues(db, limit, clock.now()),
  },
];

/** Background work of each process that gives out work: refreshes its view of the quarantines. */
export const quarantineLoops = ({ quarantines, quarantinesChanged, settings }: Context): Loop[] => [
  {
    name: 'load-quarantines',
    everyMs: settings.quarantinesEveryMs,
    limit: 1,
    wakeBy: quarantinesChanged,
    step: async () => {
      await quarantines.load();
      return 0;
    },
  },
];
