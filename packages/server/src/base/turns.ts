import type { Clock } from './clock.ts';

/** Lets the writers of a process go one after the other. */
export interface Turns {
  /** Resolves when it is the caller's turn, in the order of the calls; the answer ends the turn. */
  take(): Promise<() => void>;
  /** Is a turn under way that the next would wait for? */
  isTaken(): boolean;
}

/**
 * Turns of which one is under way at a time. What each writer would do beside the others (gather few calls, cross to the
 * database, wait for the disk) is then done once for more of them: while one transaction runs, the calls of all verbs
 * gather. A turn for whose end somebody has waited `patienceMs` holds up nobody any longer: it goes on beside the others.
 */
export const createTurns = (clock: Pick<Clock, 'after'>, patienceMs: number): Turns => {
  const waiting: (() => void)[] = [];
  /** The turn that the others wait for. */
  let current: object | undefined;
  let loseNoPatience = (): void => {};

  const next = (): void => {
    loseNoPatience();
    current = undefined;
    waiting.shift()?.();
  };

  const watch = (): void => {
    if (waiting.length > 0) loseNoPatience = clock.after(patienceMs, next);
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
