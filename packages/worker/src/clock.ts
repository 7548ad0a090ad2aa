/** Time as a value that is passed in. Nothing else in this package asks the machine for the time. */
export interface Clock {
  now(): Date;
  /** Resolves after `ms` milliseconds, or at once when the signal aborts (it never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `wake` once after `ms` milliseconds. Call the returned function to cancel that. */
  after(ms: number, wake: () => void): () => void;
}

// Node fires a timer at once when its delay does not fit into 31 bits.
const timerMsMax = 2 ** 31 - 1;

const after: Clock['after'] = (ms, wake) => {
  const timer = setTimeout(wake, Math.min(ms, timerMsMax));
  return () => clearTimeout(timer);
};

const sleep: Clock['sleep'] = (ms, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = () => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });

/** The machine's own clock. */
export const systemClock: Clock = { now: () => new Date(), after, sleep };

export const seconds = (n: number): number => n * 1000;
export const minutes = (n: number): number => seconds(60 * n);

/** The date `ms` milliseconds after `date` (before it, when negative). */
export const later = (date: Date, ms: number): Date => new Date(date.getTime() + ms);

export const earliest = (...dates: readonly Date[]): Date =>
  new Date(Math.min(...dates.map((date) => date.getTime())));
