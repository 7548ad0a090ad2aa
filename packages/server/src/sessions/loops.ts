import { type Loop, minutes } from '../base/index.ts';
import type { Context } from './context.ts';
import * as store from './store.ts';

/** Background work: deletes sessions and codes that have ended. */
export const sessionLoops = ({ db, clock }: Context): readonly Loop[] => [
  {
    name: 'delete-expired-sessions',
    everyMs: minutes(10),
    limit: 1000,
    step: (limit) => store.deleteExpired(db, clock.now(), limit),
  },
];
