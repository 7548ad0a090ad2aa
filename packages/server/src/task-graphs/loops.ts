import { type Loop, seconds } from '../base/index.ts';
import type { Context } from './context.ts';
import * as store from './store.ts';

/** The background work of task graphs. */
export const taskGraphLoops = ({ db, clock }: Context): readonly Loop[] => [
  {
    name: 'delete-expired-task-graphs',
    everyMs: seconds(60),
    // A graph may have 20,000 nodes.
    limit: 5,
    step: (limit) => store.deleteExpiredGraphs(db, clock.now(), limit),
  },
];
