import { days, type Loop, later, localSignal, minutes, seconds } from '../base/index.ts';
import type { Context } from './context.ts';
import { type HookVerbs, renewTokens } from './service/index.ts';
import * as store from './store.ts';

const firesKeptMs = days(365);

/**
 * Fires hooks when their time has come. Between two steps nothing is asked of the database: a step finds out when the
 * next slot is, and is woken then, or when a schedule changes.
 */
const scheduleLoop = (context: Context, { fireDue }: HookVerbs): Loop => {
  const due = localSignal();
  const everyMs = minutes(1);
  let cancel = () => {};
  context.changed.each(() => due.wake());
  return {
    name: 'fire-due-hooks',
    everyMs,
    limit: 100,
    wakeBy: due,
    step: async (limit) => {
      const fired = await fireDue(limit);
      cancel();
      const earliest = await store.readEarliest(context.db);
      const waitMs = earliest ? earliest.getTime() - context.clock.now().getTime() : everyMs;
      // One that is due and could not be fired is the next step's, some time later.
      if (waitMs > 0 && waitMs < everyMs) cancel = context.clock.after(waitMs, () => due.wake());
      return fired;
    },
  };
};

/** The background work of hooks. */
export const hookLoops = (context: Context, verbs: HookVerbs): readonly Loop[] => [
  scheduleLoop(context, verbs),
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
