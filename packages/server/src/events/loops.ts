import { days, type Loop, later, seconds } from '../base/index.ts';
import type { Context } from './context.ts';
import * as store from './store.ts';

// Whoever handles nothing for longer than that has lost its place; the database must not grow for its sake.
const unreadKeptMs = days(1);

/** Background work: forgets messages that are older than the retention, wakes subscriptions, and publishes to the broker. */
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
      // Nothing is forgotten that the relay has not published.
      return store.deleteMessages(db, { before, publishedOnly: relay !== undefined, unreadBefore, limit });
    },
  },
  subscriptions.watchLoop,
  ...(relay ? [relay.loop] : []),
];
