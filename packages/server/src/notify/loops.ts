import { type Loop, later, minutes, seconds } from '../base/index.ts';
import type { Context } from './context.ts';
import { recentMs } from './lifecycle.ts';
import { sendDue } from './sending.ts';
import * as store from './store.ts';

/** Background work: sends what was accepted, and forgets what was accepted long ago. */
export const notifyLoops = (context: Context): readonly Loop[] => [
  {
    name: 'send-notifications',
    everyMs: seconds(5),
    limit: 20,
    wakeBy: context.accepted,
    step: (limit) => sendDue(context, limit),
  },
  {
    name: 'forget-recent-notifications',
    everyMs: minutes(1),
    limit: 1000,
    step: (limit) => store.forgetRecentBefore(context.db, later(context.clock.now(), -recentMs), limit),
  },
];
