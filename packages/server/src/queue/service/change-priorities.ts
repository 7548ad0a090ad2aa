import type { Transaction, Verb, Work } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Authorize } from '../../http/index.ts';
import { applyChanges } from '../changes/apply.ts';
import { decideAll, lockTasks } from '../changes/decide.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import { type Priority, priorities } from '../schema/index.ts';
import type { GroupRow } from '../store/index.ts';

export interface PriorityChange {
  readonly taskId: string;
  readonly newPriority: Priority;
  readonly authorize: Authorize;
}

/** Changes the priority of tasks that were never resolved. Pending runs move to another priority and keep their age. */
export const changePriorities: Verb<PriorityChange, TaskRecord, Context> = async (tx, requests, work) => {
  const attempts = requests.map(({ taskId, newPriority, authorize }) => ({
    taskId,
    decide: (task: TaskRecord) => {
      authorize({ taskQueueId: task.taskQueueId });
      return lifecycle.beforeDeadline(task, work.now, () =>
        lifecycle.changePriority(task, priorities.indexOf(newPriority)),
      );
    },
  }));
  const { answers, changes, steps } = decideAll(await lockTasks(tx, attempts), attempts);
  // A set may change one task twice: its rows are written once, and both changes are reported.
  await applyChanges(tx, { changes, messages: steps.map(events.taskPriorityChanged) }, work);
  return answers;
};

/**
 * Changes the priority of those tasks of a group for which that is possible; returns their ids. There is no message for
 * each task: {@link reportGroupPriority} reports the change of the group.
 */
export const changeMemberPriorities = async (
  tx: Transaction,
  { taskIds, newPriority }: { readonly taskIds: readonly string[]; readonly newPriority: Priority },
  work: Work<Context>,
): Promise<string[]> => {
  const attempts = taskIds.map((taskId) => ({
    taskId,
    decide: (task: TaskRecord) => lifecycle.changePriority(task, priorities.indexOf(newPriority)),
  }));
  const { changes } = decideAll(await lockTasks(tx, attempts), attempts);
  await applyChanges(tx, { changes, messages: [] }, work);
  return changes.map(({ after }) => after.taskId);
};

/** Reports that a group's priority was changed, once for the group. */
export const reportGroupPriority = (
  tx: Transaction,
  group: GroupRow,
  { newPriority, tasksAffected, now }: { newPriority: Priority; tasksAffected: number; now: Date },
): Promise<void> =>
  outbox.append(tx, [events.taskGroupPriorityChanged(group, { newPriority, tasksAffected })], now);
