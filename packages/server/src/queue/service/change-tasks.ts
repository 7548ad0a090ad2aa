import { RequestError, type Verb } from '../../base/index.ts';
import type { Authorize } from '../../http/index.ts';
import { changeTasks } from '../changes/apply.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import * as store from '../store/index.ts';

/** A task that is to be scheduled, rerun or canceled. */
export interface TaskRequest {
  readonly taskId: string;
  readonly authorize: Authorize;
}

type Decide = (task: TaskRecord, now: Date) => lifecycle.Outcome;

/** A change that the scheduler of a task may make, until the task's deadline. */
const verbOf =
  (decide: Decide): Verb<TaskRequest, TaskRecord, Context> =>
  (tx, requests, work) => {
    const attempts = requests.map(({ taskId, authorize }) => ({
      taskId,
      decide: (task: TaskRecord) => {
        const { schedulerId, taskGroupId, projectId } = task;
        authorize({ schedulerId, taskGroupId, projectId });
        return lifecycle.beforeDeadline(task, work.now, () => decide(task, work.now));
      },
    }));
    return changeTasks(tx, attempts, work);
  };

/** Makes tasks pending that were never scheduled, whatever they depend on. */
export const scheduleTasks = verbOf(lifecycle.schedule);

const rerunAll = verbOf(lifecycle.rerun);

/** Adds a run to tasks that are resolved (or were never scheduled). Dependents are not touched. */
export const rerunTasks: typeof rerunAll = async (tx, requests, work) => {
  const answers = await rerunAll(tx, requests, work);
  const tasks = answers.filter((answer): answer is TaskRecord => !(answer instanceof RequestError));
  // The deadline loop may have passed them while they were resolved.
  if (tasks.length > 0) tx.last(store.lookAgainFor(tx, tasks));
  return answers;
};

/** Ends tasks that are not resolved. */
export const cancelTasks = verbOf((task, now) => lifecycle.end(task, 'canceled', now));
