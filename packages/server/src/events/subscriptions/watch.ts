import { type Clock, type Database, type Loop, type Signal, seconds } from '../../base/index.ts';
import { createAlarm } from '../alarm.ts';
import { currentSnapshot } from '../store.ts';
import * as store from './store.ts';
import { type Wanted, widest } from './wanted.ts';

/** Somebody who is woken when there is a message for it. */
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

// Messages of commits that follow each other closely are looked at together.
const gatherMs = 5;
// A wake-up of another process may get lost; then messages are late by this much.
const lookAtLeastEveryMs = seconds(2);
const lookMax = 500;

/**
 * Looks at what is new, once for all subscriptions of this process, and wakes those that want it: what nobody wants
 * costs one small statement, however many subscriptions there are. Where it has come to is kept in memory only; a
 * subscription that was not woken finds its messages a little later by itself.
 */
export const createWatch = ({ db, clock, changed, watchers }: WatchContext): Watch => {
  const alarm = createAlarm(clock);
  const stopListening = changed.each(() => alarm.wakeAfter(gatherMs, 'changed'));
  let since: string | undefined;

  /** The watchers that there is something for. */
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
