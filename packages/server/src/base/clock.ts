/**
 * Time as a value that is passed in. Nothing else in the server asks the machine for the time, so a test can move a day
 * in a second.
 */
export interface Clock {
  now(): Date;
  /** Milliseconds since some moment. Only differences count; they stay right when the machine's clock is set. */
  elapsed(): number;
  /** Resolves after `ms` milliseconds, or at once when the signal aborts (it never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `wake` once after `ms` milliseconds. Call the returned function to cancel that. */
  after(ms: number, wake: () => void): () => void;
}

const sleepWith =
  (after: Clock['after']): Clock['sleep'] =>
  (ms, signal) =>
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

// Node fires a timer at once when its delay does not fit into 31 bits.
const timerMsMax = 2 ** 31 - 1;

const afterReal: Clock['after'] = (ms, wake) => {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    const next = leftMs > timerMsMax ? () => wait(leftMs - timerMsMax) : wake;
    timer = setTimeout(next, Math.min(leftMs, timerMsMax));
  };
  wait(ms);
  return () => clearTimeout(timer);
};

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  elapsed: () => performance.now(),
  after: afterReal,
  sleep: sleepWith(afterReal),
};

export interface ManualClock extends Clock {
  /** Moves the time forward and wakes everything that is due, in order of time. */
  advance(ms: number): void;
}

/** A clock for tests, which moves only when a test moves it. */
export const manualClock = (start: Date = new Date()): ManualClock => {
  let time = start.getTime();
  const waiting = new Set<{ due: number; wake: () => void }>();
  const after: Clock['after'] = (ms, wake) => {
    const entry = { due: time + ms, wake };
    waiting.add(entry);
    return () => waiting.delete(entry);
  };
  return {
    now: () => new Date(time),
    elapsed: () => time,
    after,
    sleep: sleepWith(after),
    advance: (ms) => {
      const end = time + ms;
      for (;;) {
        const next = [...waiting].filter((entry) => entry.due <= end).sort((a, b) => a.due - b.due)[0];
        if (!next) break;
        waiting.delete(next);
        time = Math.max(time, next.due);
        next.wake();
      }
      time = end;
    },
  };
};

export const seconds = (n: number): number => n * 1000;
export const minutes = (n: number): number => seconds(60 * n);
export const hours = (n: number): number => minutes(60 * n);
export const days = (n: number): number => hours(24 * n);

/** How far the clocks of two machines of a deployment may differ. */
const clocksDifferMs = minutes(2);

/**
 * The end of all waits that end at `farthest` at the latest. A time beyond it was written before the clock was set back:
 * what waits for such a time is due now, or it would wait for as long as the clock was ahead.
 */
export const afterAnyWait = (farthest: Date): Date => later(farthest, clocksDifferMs);

/** The date `ms` milliseconds after `date` (before it, when negative). */
export const later = (date: Date, ms: number): Date => new Date(date.getTime() + ms);
