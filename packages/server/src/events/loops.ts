import { type Clock, type Database, type Loop, later, seconds } from '../base/index.ts';
import * as store from './store.ts';

/** Background work: forgets messages that are older than the retention. */
export const eventLoops = (
  { db, clock }: { db: Database; clock: Clock },
  retentionSeconds: number,
): readonly Loop[] => [
  {
    name: 'forget-messages',
    everyMs: seconds(30),
    limit: 2000,
    step: (limit) => store.deleteMessages(db, later(clock.now(), -seconds(retentionSeconds)), limit),
  },
];
