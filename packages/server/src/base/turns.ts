import type { Clock } from './clock.ts';

/** Lets the writers of a process run one after the other. */
export interface Turns {
  /** Resolves when it is the caller's turn, in the order of the calls. Call the returned function to end the turn. */
  take(): Promise<() => void>;
  /** Whether there is a turn for which the next one would wait. */
  isTaken(): boolean;
}

/**
 * Turns of which one runs at a time. While one transaction runs, the calls of all verbs gather, so that fewer and larger
 * transactions share the trip to the database and the wait for the disk. Once a caller has waited `patienceMs` for the end
 * of a turn, that turn no longer blocks the others.
 */
export const createTurns = (clock: Pick<Clock, 'after'>, patienceMs: number): Turns => {
  const waiting: (() => void)[] = [];
  /** The turn that the others wait for. */
  let current: object | undefined;
  let stopWaiting = (): void => {};

  const next = (): void => {
    stopWaiting();
    current = undefined;
    waiting.shift()?.();
  };

  const watch = (): void => {
    if (waiting.length > 0) stopWaiting = clock.after(patienceMs, next);
  };

  const begin = (): (() => void) => {
    const turn = {};
    current = turn;
    watch();
    return () => {
      if (current === turn) next();
    };
  };

  return {
    isTaken: () => current !== undefined,
    take: () => {
      if (!current) return Promise.resolve(begin());
      return new Promise((resolve) => {
        waiting.push(() => resolve(begin()));
        if (waiting.length === 1) watch();
      });
    },
  };
};
