import { type Transaction, together } from '../base/index.ts';
import { firstCountingRun, type RequiredTask, type Requires, type Resolution } from './lifecycle.ts';
import * as store from './store.ts';

/** A new task and the tasks that it requires, as they are in this transaction (their rows are locked). */
export interface Dependent {
  readonly taskId: string;
  readonly requires: Requires;
  readonly dependencies: readonly RequiredTask[];
}

/** How many of a new task's dependencies are not satisfied yet. */
export const unmetOf = ({ requires, dependencies }: Dependent): number =>
  dependencies.filter((required) => firstCountingRun(required, requires) !== null).length;

/** Records the dependencies of new tasks. */
export const recordDependencies = async (
  tx: Transaction,
  dependents: readonly Dependent[],
): Promise<void> => {
  const edges = dependents.flatMap(({ taskId, requires, dependencies }) =>
    dependencies.map((required) => ({
      required: required.taskId,
      dependent: taskId,
      allResolved: requires === 'all-resolved',
      fromRun: firstCountingRun(required, requires),
    })),
  );
  if (edges.length === 0) return;
  const blocked = dependents.filter((dependent) => unmetOf(dependent) > 0);
  await together(
    store.insertEdges(tx, {
      requiredTaskIds: edges.map((edge) => edge.required),
      dependentTaskIds: edges.map((edge) => edge.dependent),
      allResolved: edges.map((edge) => edge.allResolved),
      fromRuns: edges.map((edge) => edge.fromRun),
    }),
    store.insertBlocked(
      tx,
      blocked.map(({ taskId }) => taskId),
      blocked.map(unmetOf),
    ),
  );
};

/** The most dependents of one task that are released in the transaction that resolves it, since its caller waits. */
const releasedAtFirstMax = 64;
/** The most in each further transaction. */
const releasedAtOnceMax = 500;

/**
 * The tasks that are ready now that these have resolved. Must be called after the rows of the resolved tasks were locked
 * by an earlier statement: only then does it see all edges of tasks that saw them unresolved. A fan-out that is too large
 * for one transaction continues in steps of {@link continueRelease}; `unfinished` says that there is one.
 */
export const releaseDependents = async (
  tx: Transaction,
  resolved: readonly Resolution[],
): Promise<{ ready: string[]; unfinished: boolean }> => {
  if (resolved.length === 0) return { ready: [], unfinished: false };
  const edges = await store.newlySatisfied(tx, columnsOf(resolved), releasedAtFirstMax + 1);
  if (edges.length === 0) return { ready: [], unfinished: false };
  const counts = new Map<string, number>();
  const now = edges.filter(({ requiredTaskId }) => {
    const count = (counts.get(requiredTaskId) ?? 0) + 1;
    counts.set(requiredTaskId, count);
    return count <= releasedAtFirstMax;
  });
  const large = resolved.filter(({ taskId }) => (counts.get(taskId) ?? 0) > releasedAtFirstMax);
  for (const { taskId, ...resolution } of large) {
    const afterTaskId = now.findLast((edge) => edge.requiredTaskId === taskId)?.dependentTaskId ?? '';
    await store.insertRelease(tx, { requiredTaskId: taskId, ...resolution, afterTaskId });
  }
  return { ready: await decrement(tx, now), unfinished: large.length > 0 };
};

/** One further step of a large release. Returns the tasks that are ready by it; undefined when there is no release. */
export const continueRelease = async (tx: Transaction): Promise<string[] | undefined> => {
  const release = await store.lockRelease(tx);
  if (!release) return undefined;
  const edges = await store.nextOfRelease(tx, release, releasedAtOnceMax);
  const last = edges.at(-1);
  if (last && edges.length === releasedAtOnceMax) {
    await store.advanceRelease(tx, release, last.dependentTaskId);
  } else {
    await store.deleteRelease(tx, release);
  }
  return decrement(tx, edges);
};

const decrement = async (tx: Transaction, edges: readonly store.SatisfiedEdge[]): Promise<string[]> => {
  const met = new Map<string, number>();
  for (const { dependentTaskId } of edges) met.set(dependentTaskId, (met.get(dependentTaskId) ?? 0) + 1);
  const ready = await store.decrementUnmet(tx, [...met.keys()], [...met.values()]);
  if (ready.length > 0) await store.deleteBlocked(tx, ready);
  return ready;
};

const columnsOf = (resolved: readonly Resolution[]): store.Resolutions => ({
  taskIds: resolved.map((each) => each.taskId),
  runIds: resolved.map((each) => each.runId),
  completed: resolved.map((each) => each.completed),
  completedBefore: resolved.map((each) => each.completedBefore),
  resolvedBefore: resolved.map((each) => each.resolvedBefore),
});

export { deleteTasks, dependentsOf } from './store.ts';
