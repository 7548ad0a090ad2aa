import type { Clock } from './clock.ts';

/** Calls are waited for no longer than this. */
const gatherMsMax = 2;

/** Those who got their answers so long ago do not ask again at once. */
const recentMs = 5;

/** Waits for the calls that are about to come, so that they go together with those that wait already. */
export interface Gathering {
  /** A batch has ended. It concerned so many calls, those among them that arrived meanwhile. */
  ended(calls: number): void;
  /** A call has arrived, and so many wait now. */
  arrived(waiting: number): void;
  /** Resolves when as many wait as are expected, and at the latest after two milliseconds. */
  wait(waiting: number): Promise<void>;
}

/**
 * Callers who work without a pause ask again as soon as they have their answers. As many are expected as the last batch
 * concerned, if it has only just ended. So a lone caller never waits.
 */
export const createGathering = (clock: Pick<Clock, 'after' | 'now'>): Gathering => {
  let expected = 0;
  let endedAt = Number.NEGATIVE_INFINITY;
  let goOn = (): void => {};
  return {
    ended: (calls) => {
      expected = calls;
      endedAt = clock.now().getTime();
    },
    arrived: (waiting) => {
      if (waiting >= expected) goOn();
    },
    wait: async (waiting) => {
      if (waiting >= expected || clock.now().getTime() - endedAt > recentMs) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(gatherMsMax, resolve);
        goOn = () => {
          cancel();
          resolve();
        };
      });
      goOn = () => {};
    },
  };
};
