import { hours, type Loop } from '../base/index.ts';
import { expireTaskQueues, expireWorkers, type WorkersFloor } from './service.ts';

/** Background work that any one process may do for all. */
export const expiryLoops = (floor: WorkersFloor): Loop[] => [
  {
    name: 'expire-workers',
    everyMs: hours(1),
    limit: 1000,
    step: (limit) => expireWorkers(floor, limit),
  },
  {
    name: 'expire-task-queues',
    everyMs: hours(1),
    limit: 1000,
    step: (limit) => expireTaskQueues(floor, limit),
  },
];

/** Background work of every process that hands out work: its own view of the quarantines. */
export const quarantineLoops = ({ quarantines, quarantinesChanged, settings }: WorkersFloor): Loop[] => [
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
