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
    const woken = new AbortController();
    // Until the next step: a signal that never wakes would otherwise keep one listener more for each step.
    const stopListening = loop.wakeBy?.each(() => woken.abort());
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
    if (waitMs > 0) await sleepUntil(clock, waitMs, failures === 0 ? [stopping, woken.signal] : [stopping]);
    stopListening?.();
    isDueByTime = waitMs > 0 && !woken.signal.aborted;
  }
};

/** Sleeps until one of these signals aborts, or the time is up. */
const sleepUntil = async (clock: Clock, waitMs: number, signals: readonly AbortSignal[]): Promise<void> => {
  // It may have been stopped or woken during the step.
  if (signals.some(({ aborted }) => aborted)) return;
  const ended = new AbortController();
  const end = () => ended.abort();
  for (const signal of signals) signal.addEventListener('abort', end, { once: true });
  await clock.sleep(waitMs, ended.signal);
  for (const signal of signals) signal.removeEventListener('abort', end);
};
