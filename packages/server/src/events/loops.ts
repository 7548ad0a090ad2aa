import { days, type Loop, later, seconds } from '../base/index.ts';
import type { Context } from './context.ts';
import * as store from './store.ts';

// A consumer that handles nothing for longer than this loses its place, so that the database does not grow without bound.
const unreadKeptMs = days(1);

/** Background work: deletes messages that are older than the retention, wakes subscriptions, publishes to the broker. */
export const eventLoops = ({
  db,
  clock,
  retentionSeconds,
  relay,
  subscriptions,
}: Context): readonly Loop[] => [
  {
    name: 'forget-messages',
    everyMs: seconds(30),
    limit: 2000,
    step: (limit) => {
      const before = later(clock.now(), -seconds(retentionSeconds));
      const unreadBefore = later(before, -unreadKeptMs);
      // Messages that the relay has not published are kept.
      return store.deleteMessages(db, { before, publishedOnly: relay !== undefined, unreadBefore, limit });
    },
  },
  subscriptions.watchLoop,
  ...(relay ? [relay.loop] : []),
];
