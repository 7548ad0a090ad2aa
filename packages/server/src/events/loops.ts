import { type Clock, type Database, days, type Loop, later, seconds } from '../base/index.ts';
import * as store from './store.ts';

export interface Retention {
  readonly retentionSeconds: number;
  /** Nothing is forgotten that the relay has not published. */
  readonly publishedOnly: boolean;
}

// Whoever handles nothing for longer than that has lost its place; the database must not grow for its sake.
const unreadKeptMs = days(1);

/** Background work: forgets messages that are older than the retention. */
export const eventLoops = (
  { db, clock }: { db: Database; clock: Clock },
  { retentionSeconds, publishedOnly }: Retention,
): readonly Loop[] => [
  {
    name: 'forget-messages',
    everyMs: seconds(30),
    limit: 2000,
    step: (limit) => {
      const before = later(clock.now(), -seconds(retentionSeconds));
      const unreadBefore = later(before, -unreadKeptMs);
      return store.deleteMessages(db, { before, publishedOnly, unreadBefore, limit });
    },
  },
];
