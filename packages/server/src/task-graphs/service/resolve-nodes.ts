import { RequestError, type Transaction, together } from '../../base/index.ts';
import { type Message, outbox } from '../../events/index.ts';
import { type Change, changeTasks, type QueueContext, rerun } from '../../queue/index.ts';
import * as events from '../events.ts';
import { advance, type Effect, effectOf, type Progress } from '../lifecycle.ts';
import { schedulerId } from '../schema.ts';
import * as store from '../store.ts';

interface Resolved {
  readonly node: store.NodeRow;
  readonly effect: Effect;
}

/**
 * Handles tasks that have resolved in this transaction: failed ones are rerun while their nodes have reruns left, and the
 * others block or finish their graphs. It costs nothing when none of the tasks belongs to a graph.
 */
export const resolveNodes = async (
  tx: Transaction,
  changes: readonly Change[],
  deps: { queue: QueueContext; now: Date },
): Promise<void> => {
  const ours = changes.filter(({ after }) => after.schedulerId === schedulerId);
  if (ours.length === 0) return;
  const taskIds = ours.map(({ after }) => after.taskId);
  const nodes = new Map((await store.readNodes(tx, taskIds)).map((node) => [node.taskId, node]));
  const resolved = ours.flatMap((change): Resolved[] => {
    const node = nodes.get(change.after.taskId);
    return node ? [{ node, effect: effectOf(change, node.rerunsLeft, deps.now) }] : [];
  });
  await rerunTasks(tx, taskIdsOf(resolved, 'rerun'), deps);
  await advanceGraphs(tx, progressOf(resolved), deps.now);
};

const taskIdsOf = (resolved: readonly Resolved[], effect: Effect): string[] =>
  resolved.filter((each) => each.effect === effect).map(({ node }) => node.taskId);

/** The change is not a resolution, so there is no recursion. */
const rerunTasks = async (
  tx: Transaction,
  taskIds: readonly string[],
  { queue, now }: { queue: QueueContext; now: Date },
): Promise<void> => {
  if (taskIds.length === 0) return;
  await store.spendReruns(tx, [...taskIds]);
  const attempts = taskIds.map((taskId) => ({
    taskId,
    decide: (task: Change['after']) => rerun(task, now),
  }));
  const refused = (await changeTasks(tx, attempts, { now, context: queue })).find(
    (answer) => answer instanceof RequestError,
  );
  if (refused)
    throw new Error('A task could not be run again that could a moment before', { cause: refused });
};

const progressOf = (resolved: readonly Resolved[]): Map<string, Progress> => {
  const progress = new Map<string, Progress>();
  for (const { node, effect } of resolved) {
    const known = progress.get(node.taskGraphId) ?? { satisfiedLeaves: 0 };
    if (effect === 'block') progress.set(node.taskGraphId, { blockedBy: node.taskId, ...known });
    if (effect === 'satisfy' && node.isLeaf)
      progress.set(node.taskGraphId, { ...known, satisfiedLeaves: known.satisfiedLeaves + 1 });
  }
  return progress;
};

/** Graphs are locked last, after tasks and groups. */
const advanceGraphs = async (
  tx: Transaction,
  progress: ReadonlyMap<string, Progress>,
  now: Date,
): Promise<void> => {
  if (progress.size === 0) return;
  const advanced = (await store.lockGraphs(tx, [...progress.keys()])).map((before) => {
    const made = progress.get(before.taskGraphId) as Progress;
    const { graph, reached } = advance(before, made);
    const messages = reached.map(
      (state): Message =>
        state === 'blocked'
          ? events.taskGraphBlocked(graph, made.blockedBy as string)
          : events.taskGraphFinished(graph),
    );
    return { graph, messages };
  });
  await together(
    store.saveGraphs(
      tx,
      advanced.map(({ graph }) => graph),
    ),
    outbox.append(
      tx,
      advanced.flatMap(({ messages }) => messages),
      now,
    ),
  );
};
