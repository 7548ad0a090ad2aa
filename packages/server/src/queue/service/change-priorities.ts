import type { Verb } from '../../base/index.ts';
import type { Authorize } from '../../http/index.ts';
import { applyChanges } from '../changes/apply.ts';
import { decideAll, lockTasks } from '../changes/decide.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import { type Priority, priorities } from '../schema/index.ts';

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
