import { days, dueLoop, type Loop, later, minutes, seconds } from '../base/index.ts';
import type { Context } from './context.ts';
import { type HookVerbs, renewTokens } from './service/index.ts';
import * as store from './store.ts';

const firesKeptMs = days(365);

/** The background work of hooks. */
export const hookLoops = (context: Context, verbs: HookVerbs): readonly Loop[] => [
  // Between two steps the database is not asked: a step returns when the next slot is due.
  dueLoop(context.clock, {
    name: 'fire-due-hooks',
    everyMs: minutes(1),
    limit: 100,
    wakeBy: context.changed,
    step: verbs.fireDue,
    earliest: () => store.readEarliest(context.db),
  }),
  {
    name: 'fire-hooks-by-messages',
    everyMs: seconds(10),
    limit: 50,
    wakeBy: context.arrived,
    step: verbs.fireWaiting,
  },
  {
    name: 'renew-encryption-of-hooks',
    everyMs: minutes(10),
    limit: 100,
    step: (limit) => renewTokens(context, limit),
  },
  {
    name: 'forget-old-hook-fires',
    everyMs: minutes(10),
    limit: 1000,
    step: (limit) => store.deleteFires(context.db, later(context.clock.now(), -firesKeptMs), limit),
  },
];
