/** A task that a worker has, from its claim to its report. */
export interface Occupation {
  readonly taskId: string;
  readonly runId: number;
  /** Whether its commands may still run. Afterwards its uploads do not block other tasks. */
  readonly isWorking: boolean;
}

/** The slots for tasks of a worker. */
export interface Slots {
  readonly capacity: number;
  /** All tasks that have not been reported yet. */
  readonly occupations: readonly Occupation[];
  /** The number of free slots. */
  readonly free: number;
  /** Runs a task. It gets a function that frees its slot before it ends. */
  occupy(task: { taskId: string; runId: number }, act: (vacate: () => void) => Promise<void>): void;
  /** Resolves at the next change. */
  changed(): Promise<void>;
  /** Resolves when all tasks have ended. */
  emptied(): Promise<void>;
}

/**
 * Creates slots for this many tasks. A task whose commands have ended frees its slot while it uploads; but at most as many
 * tasks as there are slots may be uploading, so that a slow store does not fill the disk.
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
