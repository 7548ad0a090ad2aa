import { systemClock } from '../base/index.ts';

let last: Promise<void> = Promise.resolve();
let tookMs = 0;
let endedAt = Number.NEGATIVE_INFINITY;

const nextRound = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** However long one took, the next waits no longer than this for its sake. */
const restMsMax = 50;

/** The one before has been worked with; everybody else is heard for as long as it took. */
const rest = async (): Promise<void> => {
  await nextRound();
  const owedMs = tookMs - (performance.now() - endedAt);
  if (owedMs > 0) await systemClock.sleep(owedMs);
  const begunAt = performance.now();
  // Once whoever was waiting for this turn has gone on, as far as it goes in one go.
  process.nextTick(() => {
    endedAt = performance.now();
    tookMs = Math.min(endedAt - begunAt, restMsMax);
  });
};

/**
 * Resolves when it is this call's turn to be worked with in one go. One goes after the other, and at most half of the time
 * goes to them, so that others are heard in between, however many come at once.
 */
export const awaitTurn = (): Promise<void> => {
  last = last.then(rest);
  return last;
};
