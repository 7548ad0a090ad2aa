/** A task that a worker has, from its claim to its report. */
export interface Occupation {
  readonly taskId: string;
  readonly runId: number;
  /** Its commands may still run. Afterwards its uploads hold up no other. */
  readonly isWorking: boolean;
}

/** The places for tasks on a worker. */
export interface Slots {
  readonly capacity: number;
  /** All that have not been reported yet. */
  readonly occupations: readonly Occupation[];
  /** For how many tasks there is a place. */
  readonly free: number;
  /** Has a task done, which is told what makes its place free before it ends. */
  occupy(task: { taskId: string; runId: number }, act: (vacate: () => void) => Promise<void>): void;
  /** Resolves at the next change. */
  changed(): Promise<void>;
  /** Resolves when all tasks have ended. */
  emptied(): Promise<void>;
}

/**
 * This many tasks run at a time. One whose commands are over leaves its place to the next while it uploads; but no
 * more of those wait than there are places, so that a slow store does not fill the disk.
 */
export const openSlots = (capacity: number): Slots => {
  const occupations = new Set<{ taskId: string; runId: number; isWorking: boolean }>();
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const one of woken) one();
  };
  const changed = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  return {
    capacity,
    get occupations() {
      return [...occupations];
    },
    get free() {
      const working = [...occupations].filter(({ isWorking }) => isWorking).length;
      return Math.min(capacity - working, 2 * capacity - occupations.size);
    },
    occupy: ({ taskId, runId }, act) => {
      const occupation = { taskId, runId, isWorking: true };
      occupations.add(occupation);
      const vacate = (): void => {
        occupation.isWorking = false;
        wake();
      };
      void act(vacate).finally(() => {
        occupations.delete(occupation);
        wake();
      });
    },
    changed,
    emptied: async () => {
      while (occupations.size > 0) await changed();
    },
  };
};
