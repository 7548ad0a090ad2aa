import { type Clock, localSignal, type Signal } from '../base/index.ts';

/** Wakes a loop at some later time. */
export interface Alarm {
  /** The signal that wakes the loop. */
  readonly ready: Signal;
  /** Wakes after this many milliseconds. Until then, further calls with the same reason change nothing. */
  wakeAfter(ms: number, reason: string): void;
  close(): void;
}

/** Creates an alarm. Wake-ups for the same reason that follow each other closely become one. */
export const createAlarm = (clock: Clock): Alarm => {
  const ready = localSignal();
  const timers = new Map<string, () => void>();
  return {
    ready,
    wakeAfter: (ms, reason) => {
      if (timers.has(reason)) return;
      const cancel = clock.after(ms, () => {
        timers.delete(reason);
        ready.wake();
      });
      timers.set(reason, cancel);
    },
    close: () => {
      for (const cancel of timers.values()) cancel();
    },
  };
};
