import { type Clock, seconds } from '../clock.ts';

/** The time that a task may take for its mounts and its commands together. */
export interface TimeLimit {
  readonly seconds: number;
  /** Aborts when the time is over. */
  readonly signal: AbortSignal;
  /** Starts the time. May be repeated. */
  begin(): void;
  /** Stops the time. */
  end(): void;
}

/** A time limit in seconds, which has not started yet. */
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
