import { type Clock, seconds } from '../clock.ts';

/** The time that a task may take for its mounts and its commands together. */
export interface TimeLimit {
  readonly seconds: number;
  /** Aborts when the time is over. */
  readonly signal: AbortSignal;
  /** From now on time counts. May be repeated. */
  begin(): void;
  /** Time counts no more. */
  end(): void;
}

/** A limit of this many seconds, which does not run yet. */
export const timeLimit = (clock: Clock, maxSeconds: number): TimeLimit => {
  const over = new AbortController();
  let cancel: (() => void) | undefined;
  return {
    seconds: maxSeconds,
    signal: over.signal,
    begin: () => {
      cancel ??= clock.after(seconds(maxSeconds), () =>
        over.abort(new Error(`maxRunTime of ${maxSeconds} s is over`)),
      );
    },
    end: () => cancel?.(),
  };
};
