import { type Answer, type Transaction, together } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Authorize } from '../../http/index.ts';
import { decideAll, pendingRow } from '../apply.ts';
import type { QueueDeps } from '../context.ts';
import * as events from '../events.ts';
import { type Outcome, wasEverResolved } from '../lifecycle.ts';
import { stateOf, type TaskRecord } from '../record.ts';
import { type Priority, priorities } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { requireBeforeDeadline } from './change-tasks.ts';

export interface PriorityChange {
  readonly taskId: string;
  readonly newPriority: Priority;
  readonly authorize: Authorize;
}

const reprioritized = (task: TaskRecord, newPriority: Priority): Outcome => {
  const priority = priorities.indexOf(newPriority);
  if (wasEverResolved(task) || task.priority === priority) {
    return {
      kind: 'conflict',
      message: `The priority of task ${task.taskId} can no longer become ${newPriority}.`,
    };
  }
  return { kind: 'moved', task: { ...task, priority } };
};

/** Writes new priorities; pending runs change their place in line and keep their age. */
const writePriorities = async (tx: Transaction, moves: readonly events.Move[]): Promise<void> => {
  if (moves.length === 0) return;
  const pending = moves.filter(({ after }) => stateOf(after) === 'pending');
  await together(
    store.saveRecords(
      tx,
      moves.map(({ after }) => after),
    ),
    pending.length > 0 &&
      store.deletePending(
        tx,
        pending.map(({ before }) => pendingRow(before)),
      ),
    pending.length > 0 &&
      store.insertPending(
        tx,
        pending.map(({ after }) => pendingRow(after)),
      ),
  );
};

/** Changes the priority of tasks that were never resolved. */
export const changePriorities = async (
  tx: Transaction,
  requests: readonly PriorityChange[],
  { now }: QueueDeps & { now: Date },
): Promise<Answer<TaskRecord>[]> => {
  const taskIds = [...new Set(requests.map(({ taskId }) => taskId))];
  const records = new Map((await store.lockRecords(tx, taskIds)).map((record) => [record.taskId, record]));
  // Two changes of one task may come together: its rows change once, and both changes are told.
  const steps: events.Move[] = [];
  const { answers, moves } = decideAll(
    records,
    requests.map(({ taskId, newPriority, authorize }) => ({
      taskId,
      decide: (task) => {
        authorize({ taskQueueId: task.taskQueueId });
        requireBeforeDeadline(task, now);
        const outcome = reprioritized(task, newPriority);
        if (outcome.kind === 'moved') steps.push({ before: task, after: outcome.task });
        return outcome;
      },
    })),
  );
  await writePriorities(tx, moves);
  await outbox.append(tx, steps.map(events.taskPriorityChanged), now);
  return answers;
};

/** Changes the priority of some tasks of a group where that is possible; answers the ids of those that changed. */
export const changeMemberPriorities = async (
  tx: Transaction,
  taskIds: string[],
  newPriority: Priority,
): Promise<string[]> => {
  const records = new Map((await store.lockRecords(tx, taskIds)).map((record) => [record.taskId, record]));
  const { moves } = decideAll(
    records,
    taskIds.map((taskId) => ({ taskId, decide: (task) => reprioritized(task, newPriority) })),
  );
  await writePriorities(tx, moves);
  return moves.map(({ after }) => after.taskId);
};

/** A group's priority was changed: said once for the group, not for each task. */
export const reportGroupPriority = (
  tx: Transaction,
  group: store.GroupRow,
  { newPriority, tasksAffected, now }: { newPriority: Priority; tasksAffected: number; now: Date },
): Promise<void> =>
  outbox.append(tx, [events.taskGroupPriorityChanged(group, { newPriority, tasksAffected })], now);
