import { type Clock, type Database, type Loop, type Signal, seconds } from '../../base/index.ts';
import { createAlarm } from '../alarm.ts';
import { currentSnapshot } from '../store.ts';
import * as store from './store.ts';
import { type Wanted, widest } from './wanted.ts';

/** A consumer that is woken when there is a message for it. */
export interface Watcher {
  readonly wanted: () => Wanted;
  readonly wake: () => void;
}

export interface Watch {
  readonly loop: Loop;
  close(): void;
}

interface WatchContext {
  readonly db: Database;
  readonly clock: Clock;
  /** Woken after commits that added messages. */
  readonly changed: Signal;
  readonly watchers: readonly Watcher[];
}

// Messages of commits that follow each other closely are read together.
const gatherMs = 5;
// The longest delay of messages when a wake-up of another process is lost.
const lookAtLeastEveryMs = seconds(2);
const lookMax = 500;

/**
 * Reads what is new, once for all subscriptions of this process, and wakes those that want it. Unwanted messages cost one
 * small statement, however many subscriptions there are. Its place is kept in memory only; a subscription that was not
 * woken finds its messages a little later.
 */
export const createWatch = ({ db, clock, changed, watchers }: WatchContext): Watch => {
  const alarm = createAlarm(clock);
  const stopListening = changed.each(() => alarm.wakeAfter(gatherMs, 'changed'));
  let since: string | undefined;

  /** The watchers with new messages. */
  const look = async (): Promise<readonly Watcher[]> => {
    if (since === undefined) {
      since = await currentSnapshot(db);
      return watchers;
    }
    const wanted = watchers.map((watcher) => watcher.wanted());
    const seen = await store.lookAtNew(db, { since, ...widest(wanted), limit: lookMax });
    since = seen.until;
    if (seen.messages.length === lookMax) return watchers;
    return watchers.filter((_, i) => seen.messages.some((message) => wanted[i]?.matches(message)));
  };

  const step = async (): Promise<number> => {
    if (watchers.length === 0) return 0;
    for (const watcher of await look()) watcher.wake();
    return 0;
  };

  return {
    loop: {
      name: 'watch-messages',
      everyMs: lookAtLeastEveryMs,
      limit: lookMax,
      wakeBy: alarm.ready,
      step,
    },
    close: () => {
      stopListening();
      alarm.close();
    },
  };
};
