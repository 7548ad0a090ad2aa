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

export interface LoopsContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Woken when what steps may have failed for, such as an outage of the database, is over. */
  readonly recovered?: Signal | undefined;
}

/**
 * Runs loops side by side until they are stopped; a step that fails is logged and tried again later. Steps that are due by
 * the time begin one after the other: side by side, each would need a connection of its own to the database, which costs
 * memory as long as it is kept.
 */
export const runLoops = (loops: readonly Loop[], context: LoopsContext): RunningLoops => {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const turns = createTurns(systemClock, turnMs);
  const running = loops.map((loop) => runLoop(loop, { ...context, turns }, stopping.signal));
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
};

const runLoop = async (
  loop: Loop,
  { clock, log, recovered, turns }: LoopsContext & { readonly turns: Turns },
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
    const back = new AbortController();
    const stopHoping = recovered?.each(() => back.abort());
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
    if (failures === 0) await sleepUntil(clock, waitMs, [stopping, woken.signal]);
    else await restUntil(clock, { waitMs, leastMs: loop.everyMs }, { stopping, back: back.signal });
    stopListening?.();
    stopHoping?.();
    isDueByTime = waitMs > 0 && !woken.signal.aborted;
  }
};

/**
 * Sleeps after a failure; for as short as between other steps when what it failed for is over. Never shorter: what makes
 * the step fail may be the step, while all others succeed.
 */
const restUntil = async (
  clock: Clock,
  { waitMs, leastMs }: { readonly waitMs: number; readonly leastMs: number },
  { stopping, back }: { readonly stopping: AbortSignal; readonly back: AbortSignal },
): Promise<void> => {
  const rested = new AbortController();
  const cancel = clock.after(leastMs, () => {
    if (back.aborted) rested.abort();
    else back.addEventListener('abort', () => rested.abort(), { once: true });
  });
  await sleepUntil(clock, waitMs, [stopping, rested.signal]);
  cancel();
};

/** Sleeps until one of these signals aborts, or the time is up. */
const sleepUntil = async (clock: Clock, waitMs: number, signals: readonly AbortSignal[]): Promise<void> => {
  // It may have been stopped or woken during the step.
  if (waitMs <= 0 || signals.some(({ aborted }) => aborted)) return;
  const ended = new AbortController();
  const end = () => ended.abort();
  for (const signal of signals) signal.addEventListener('abort', end, { once: true });
  await clock.sleep(waitMs, ended.signal);
  for (const signal of signals) signal.removeEventListener('abort', end);
};
