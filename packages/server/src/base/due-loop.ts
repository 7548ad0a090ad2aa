import type { Clock } from './clock.ts';
import type { Loop } from './loop.ts';
import { localSignal, type Signal } from './signal.ts';

/** Work that has its time. */
export interface DueWork extends Pick<Loop, 'name' | 'everyMs' | 'limit' | 'step'> {
  /** Woken when something may be due earlier than before. */
  readonly wakeBy: Signal;
  /** When the next thing is due; undefined when nothing is. */
  earliest(): Promise<Date | undefined>;
}

/** A loop that sleeps until something is due, or until it is woken. */
export const dueLoop = (clock: Clock, { name, everyMs, limit, step, wakeBy, earliest }: DueWork): Loop => {
  const due = localSignal();
  let cancel = () => {};
  wakeBy.each(() => due.wake());
  return {
    name,
    everyMs,
    limit,
    wakeBy: due,
    step: async (most) => {
      const done = await step(most);
      cancel();
      const next = await earliest();
      const waitMs = next ? next.getTime() - clock.now().getTime() : everyMs;
      // What is due and could not be done is left to the next step, some time later.
      if (waitMs > 0 && waitMs < everyMs) cancel = clock.after(waitMs, () => due.wake());
      return done;
    },
  };
};
