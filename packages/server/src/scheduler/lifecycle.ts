/** Which resolutions satisfy a dependency: only success, or any. */
export type Requires = 'all-completed' | 'all-resolved';

/** The state of a task that others depend on. */
export interface RequiredTask {
  readonly taskId: string;
  readonly state: string;
  /** The number of its last run; -1 without runs. */
  readonly lastRunId: number;
}

/** A run that ended for good (no automatic retry follows). */
export interface Resolution {
  readonly taskId: string;
  readonly runId: number;
  readonly completed: boolean;
  /** The last earlier run that completed, and the last that ended for good; -1 when there is none. */
  readonly completedBefore: number;
  readonly resolvedBefore: number;
}

/** Whether a task in this state satisfies those that depend on it. */
export const isSatisfiedBy = (state: string, requires: Requires): boolean =>
  state === 'completed' || (requires === 'all-resolved' && (state === 'failed' || state === 'exception'));

/**
 * The first run of a required task whose resolution can satisfy an edge that is created now; null when the task satisfies
 * it already. A satisfied edge stays satisfied: later reruns do not change that.
 */
export const firstCountingRun = (required: RequiredTask, requires: Requires): number | null => {
  if (isSatisfiedBy(required.state, requires)) return null;
  const isOver = required.state === 'failed' || required.state === 'exception';
  return isOver ? required.lastRunId + 1 : Math.max(0, required.lastRunId);
};

/**
 * A cycle in a graph of tasks, as the list of its tasks; undefined when there is none. Dependencies outside the graph
 * are ignored. Kahn's algorithm finds the tasks on cycles or behind them; a walk among those finds a cycle.
 */
export const cycleIn = (graph: ReadonlyMap<string, readonly string[]>): string[] | undefined => {
  const unmet = new Map(
    [...graph].map(([task, needs]) => [task, needs.filter((need) => graph.has(need)).length]),
  );
  const dependents = new Map<string, string[]>();
  for (const [task, needs] of graph) {
    for (const need of needs) {
      const known = dependents.get(need);
      if (known) known.push(task);
      else dependents.set(need, [task]);
    }
  }
  const ready = [...unmet].filter(([, count]) => count === 0).map(([task]) => task);
  for (let task = ready.pop(); task !== undefined; task = ready.pop()) {
    unmet.delete(task);
    for (const dependent of dependents.get(task) ?? []) {
      const left = (unmet.get(dependent) ?? 0) - 1;
      unmet.set(dependent, left);
      if (left === 0) ready.push(dependent);
    }
  }
  const [start] = unmet.keys();
  return start === undefined ? undefined : closeCycle(graph, unmet, start);
};

const closeCycle = (
  graph: ReadonlyMap<string, readonly string[]>,
  stuck: ReadonlyMap<string, number>,
  start: string,
): string[] => {
  const path = new Set<string>();
  let task = start;
  while (!path.has(task)) {
    path.add(task);
    // Every stuck task waits for another stuck one.
    task = (graph.get(task) ?? []).find((need) => stuck.has(need)) as string;
  }
  const walked = [...path];
  return walked.slice(walked.indexOf(task));
};
