import { setMaxListeners } from 'node:events';
import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';
import type { Signal } from './signal.ts';

/** Background work: a name, a period, and one bounded step that returns how many things it did. */
export interface Loop {
  readonly name: string;
  /** The longest time between two steps, in milliseconds. */
  readonly everyMs: number;
  /** A step that did this many things runs again at once, since there may be more to do. */
  readonly limit: number;
  /** Runs the step early. Correctness never depends on it. */
  readonly wakeBy?: Signal;
  step(limit: number): Promise<number>;
}

export interface RunningLoops {
  /** Ends each loop after its current step. */
  stop(): Promise<void>;
}

const backOffMaxMs = 30_000;

/** Runs loops side by side until they are stopped; a step that fails is logged and tried again later. */
export const runLoops = (loops: readonly Loop[], deps: { clock: Clock; log: Logger }): RunningLoops => {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const running = loops.map((loop) => runLoop(loop, deps, stopping.signal));
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
};

const runLoop = async (
  loop: Loop,
  { clock, log }: { clock: Clock; log: Logger },
  stopping: AbortSignal,
): Promise<void> => {
  let failures = 0;
  while (!stopping.aborted) {
    let waitMs = loop.everyMs;
    const woken = loop.wakeBy?.next();
    try {
      const done = await loop.step(loop.limit);
      failures = 0;
      if (done >= loop.limit) waitMs = 0;
    } catch (err) {
      failures++;
      waitMs = Math.min(backOffMaxMs, loop.everyMs * 2 ** failures);
      log.error({ loop: loop.name, failures, err }, 'a background step failed');
    }
    if (waitMs > 0) await eitherOf(clock, waitMs, { stopping, woken: failures === 0 ? woken : undefined });
  }
};

const eitherOf = async (
  clock: Clock,
  waitMs: number,
  { stopping, woken }: { stopping: AbortSignal; woken: Promise<void> | undefined },
): Promise<void> => {
  // It may have been stopped during the step.
  if (stopping.aborted) return;
  const waited = new AbortController();
  const endWait = () => waited.abort();
  stopping.addEventListener('abort', endWait, { once: true });
  void woken?.then(endWait);
  await clock.sleep(waitMs, waited.signal);
  stopping.removeEventListener('abort', endWait);
};
