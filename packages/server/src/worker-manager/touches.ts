import { seconds } from '../base/index.ts';
import type { Context } from './context.ts';

/** Runs are claimed all the time, and a round comes every ten seconds: what moves within this time is told of together. */
const gatheredMs = seconds(2);

/** Tells the rounds of all processes, in time for the next one, of the task queues in which runs have moved. */
export const gatherTouches = ({ clock, poolsTouched }: Pick<Context, 'clock' | 'poolsTouched'>) => {
  const touched = new Set<string>();
  let cancel: (() => void) | undefined;
  let isClosed = false;
  const tell = (): void => {
    cancel = undefined;
    const ids = [...touched];
    touched.clear();
    poolsTouched.wake(ids);
  };
  return {
    touch: (taskQueueIds: readonly string[]): void => {
      if (isClosed) return;
      for (const id of taskQueueIds) touched.add(id);
      cancel ??= clock.after(gatheredMs, tell);
    },
    /** What has not been told by now is found by the slow look of the rounds. */
    close: (): void => {
      isClosed = true;
      cancel?.();
    },
  };
};

export type Touches = ReturnType<typeof gatherTouches>;
