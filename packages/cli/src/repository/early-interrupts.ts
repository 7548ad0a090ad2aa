import { exitCodes } from '../exit-codes.ts';
import type { Io } from '../io.ts';

/** Requests to end that nothing else answers: before a group runs, which has its own answer, between two, and after them. */
export interface EarlyInterrupts {
  /** Whether somebody has asked for the end. */
  readonly wasAsked: boolean;
  /** For what answers requests itself: while it listens by this, they are left to it. */
  readonly io: Io;
  stop(): void;
}

/** Listens from now on. The first request lets what has begun be taken back; the second ends the process at once. */
export const listenForInterrupts = (given: Io): EarlyInterrupts => {
  let wasAsked = false;
  const others = new Set<() => void>();
  const stop = given.onInterrupt(() => {
    if (others.size > 0) return;
    if (wasAsked) given.exit(exitCodes.interrupted);
    wasAsked = true;
  });
  return {
    get wasAsked() {
      return wasAsked;
    },
    io: {
      ...given,
      onInterrupt: (handler) => {
        const stopOther = given.onInterrupt(handler);
        others.add(stopOther);
        return () => {
          others.delete(stopOther);
          stopOther();
        };
      },
    },
    stop,
  };
};
