import { type Loop, later, minutes, type Signal, seconds } from '../base/index.ts';
import { recentMs } from './lifecycle.ts';
import { type SendingDeps, sendDue } from './sending.ts';
import * as store from './store.ts';

/** Background work: sends what was accepted, and forgets what was accepted long ago. */
export const notifyLoops = (deps: SendingDeps & { readonly accepted: Signal }): readonly Loop[] => [
  {
    name: 'send-notifications',
    everyMs: seconds(5),
    limit: 20,
    wakeBy: deps.accepted,
    step: (limit) => sendDue(deps, limit),
  },
  {
    name: 'forget-recent-notifications',
    everyMs: minutes(1),
    limit: 1000,
    step: (limit) => store.forgetRecentBefore(deps.db, later(deps.clock.now(), -recentMs), limit),
  },
];
