import { hours, type Loop } from '../base/index.ts';
import type { Context } from './context.ts';
import { expireTaskQueues, expireWorkers } from './service.ts';

/** Background work that any one process may do for all. */
export const expiryLoops = (context: Context): Loop[] => [
  {
    name: 'expire-workers',
    everyMs: hours(1),
    limit: 1000,
    step: (limit) => expireWorkers(context, limit),
  },
  {
    name: 'expire-task-queues',
    everyMs: hours(1),
    limit: 1000,
    step: (limit) => expireTaskQueues(context, limit),
  },
];

/** Background work of every process that hands out work: its own view of the quarantines. */
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
