import { type Clock, type Database, type Loop, later, seconds } from '../base/index.ts';
import * as store from './store.ts';

export interface Retention {
  readonly retentionSeconds: number;
  /** Nothing is forgotten that the relay has not published. */
  readonly publishedOnly: boolean;
}

/** Background work: forgets messages that are older than the retention. */
export const eventLoops = (
  { db, clock }: { db: Database; clock: Clock },
  { retentionSeconds, publishedOnly }: Retention,
): readonly Loop[] => [
  {
    name: 'forget-messages',
    everyMs: seconds(30),
    limit: 2000,
    step: (limit) =>
      store.deleteMessages(db, {
        before: later(clock.now(), -seconds(retentionSeconds)),
        publishedOnly,
        limit,
      }),
  },
];
