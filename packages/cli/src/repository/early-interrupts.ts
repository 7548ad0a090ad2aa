import { exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';

/** Requests to end while no group runs, which has its own answer to them: before the first, between two, after the last. */
export interface EarlyInterrupts {
  /** Whether somebody has asked for the end. */
  readonly wasAsked: boolean;
  /** Leaves requests to a group while it runs. */
  during<T>(run: () => Promise<T>): Promise<T>;
  stop(): void;
}

/** Listens from now on. The first request lets what has begun be taken back; the second ends the process at once. */
export const listenForInterrupts = (io: Io): EarlyInterrupts => {
  let wasAsked = false;
  let isLeft = false;
  const stop = io.onInterrupt(() => {
    if (isLeft) return;
    if (wasAsked) io.exit(exitCodes.interrupted);
    wasAsked = true;
  });
  return {
    get wasAsked() {
      return wasAsked;
    },
    during: async (run) => {
      isLeft = true;
      try {
        return await run();
      } finally {
        isLeft = false;
      }
    },
    stop,
  };
};
