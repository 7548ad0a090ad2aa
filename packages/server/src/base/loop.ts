import { setMaxListeners } from 'node:events';
import { type Clock, systemClock } from './clock.ts';
import type { Logger } from './log.ts';
import type { Signal } from './signal.ts';
import { createTurns, type Turns } from './turns.ts';

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

/** A step that takes longer no longer keeps the others from beginning. */
const turnMs = 50;

/**
 * Runs loops side by side until they are stopped; a step that fails is logged and tried again later. Steps that are due by
 * the time begin one after the other: side by side, each would need a connection of its own to the database, which costs
 * memory as long as it is kept.
 */
export const runLoops = (loops: readonly Loop[], deps: { clock: Clock; log: Logger }): RunningLoops => {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const turns = createTurns(systemClock, turnMs);
  const running = loops.map((loop) => runLoop(loop, { ...deps, turns }, stopping.signal));
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
};

const runLoop = async (
  loop: Loop,
  { clock, log, turns }: { clock: Clock; log: Logger; turns: Turns },
  stopping: AbortSignal,
): Promise<void> => {
  let failures = 0;
  let isDueByTime = true;
  for (;;) {
    const endTurn = isDueByTime ? await turns.take() : undefined;
    // It may have been stopped meanwhile.
    if (stopping.aborted) {
      endTurn?.();
      return;
    }
    let waitMs = loop.everyMs;
    let isWoken = false;
    const woken = loop.wakeBy?.next().then(() => {
      isWoken = true;
    });
    try {
      const done = await loop.step(loop.limit);
      failures = 0;
      if (done >= loop.limit) waitMs = 0;
    } catch (err) {
      failures++;
      waitMs = Math.min(backOffMaxMs, loop.everyMs * 2 ** failures);
      log.error({ loop: loop.name, failures, err }, 'a background step failed');
    } finally {
      endTurn?.();
    }
    if (waitMs > 0) await eitherOf(clock, waitMs, { stopping, woken: failures === 0 ? woken : undefined });
    isDueByTime = waitMs > 0 && !isWoken;
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
