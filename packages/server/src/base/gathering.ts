import type { Clock } from './clock.ts';

/** The longest wait for further calls. */
const gatherMsMax = 2;

/** Callers whose batch ended longer ago than this are not expected to call again at once. */
const recentMs = 5;

/** Waits for calls that are about to arrive, so that they share a batch with the waiting ones. */
export interface Gathering {
  /** To be called when a batch has ended, with the number of its calls and of those that arrived meanwhile. */
  ended(calls: number): void;
  /** To be called when a call has arrived, with the number of waiting calls. */
  arrived(waiting: number): void;
  /** Resolves when as many calls wait as are expected, and at the latest after two milliseconds. */
  wait(waiting: number): Promise<void>;
}

/**
 * Busy callers call again as soon as they have their results. As many calls are expected as the last batch had, if it has
 * just ended. So a lone caller never waits.
 */
export const createGathering = (clock: Pick<Clock, 'after' | 'elapsed'>): Gathering => {
  let expected = 0;
  let endedAt = Number.NEGATIVE_INFINITY;
  let goOn = (): void => {};
  return {
    ended: (calls) => {
      expected = calls;
      endedAt = clock.elapsed();
    },
    arrived: (waiting) => {
      if (waiting >= expected) goOn();
    },
    wait: async (waiting) => {
      if (waiting >= expected || clock.elapsed() - endedAt > recentMs) return;
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
