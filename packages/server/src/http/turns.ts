import { systemClock } from '../base/index.ts';

let last: Promise<void> = Promise.resolve();
let tookMs = 0;
let endedAt = Number.NEGATIVE_INFINITY;

const nextRound = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The next turn waits at most this long, however long the last one took. */
const restMsMax = 50;

/** Resolves when other work has had as much time as the last turn took. */
const rest = async (): Promise<void> => {
  await nextRound();
  const owedMs = tookMs - (performance.now() - endedAt);
  if (owedMs > 0) await systemClock.sleep(owedMs);
  const begunAt = performance.now();
  // After the synchronous work of the call whose turn this is.
  process.nextTick(() => {
    endedAt = performance.now();
    tookMs = Math.min(endedAt - begunAt, restMsMax);
  });
};

/**
 * Resolves when this call may do its long synchronous work. Calls take turns, and together they use at most half of the
 * time, so that other requests are served in between.
 */
export const awaitTurn = (): Promise<void> => {
  last = last.then(rest);
  return last;
};
