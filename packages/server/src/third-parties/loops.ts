import { type Loop, minutes, seconds } from '../base/index.ts';
import type { Context } from './context.ts';
import { checkClients } from './service.ts';
import * as store from './store.ts';

/** Background work: disables clients that their people would not get any more, and forgets grants that have ended. */
export const thirdPartyLoops = (context: Context): readonly Loop[] => [
  {
    name: 'check-third-party-clients',
    everyMs: seconds(10),
    limit: 100,
    step: (limit) => checkClients(context, limit),
  },
  {
    name: 'delete-ended-grants',
    everyMs: minutes(10),
    limit: 1000,
    step: (limit) => store.deleteEnded(context.db, context.clock.now(), limit),
  },
];
