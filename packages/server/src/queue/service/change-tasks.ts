import { type Answer, RequestError, type Transaction } from '../../base/index.ts';
import type { Authorize } from '../../http/index.ts';
import { type Change, changeTasks } from '../apply.ts';
import type { QueueDeps } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import * as store from '../store/index.ts';

/** A task that somebody wants to schedule, rerun or cancel. */
export interface TaskRequest {
  readonly taskId: string;
  readonly authorize: Authorize;
}

type Deps = QueueDeps & { readonly now: Date };
type Decide = (task: TaskRecord, now: Date) => lifecycle.Outcome;

/** Refuses what must not happen past the deadline. */
export const requireBeforeDeadline = (task: TaskRecord, now: Date): void => {
  if (task.deadline >= now) return;
  throw new RequestError(
    'RequestConflict',
    `Task ${task.taskId} is past its deadline (${task.deadline.toJSON()}).`,
  );
};

/** A change that the scheduler of a task may make, until its deadline. */
const changeOf =
  (deps: Deps, decide: Decide) =>
  ({ taskId, authorize }: TaskRequest): Change => ({
    taskId,
    decide: (task) => {
      const { schedulerId, taskGroupId, projectId } = task;
      authorize({ schedulerId, taskGroupId, projectId });
      const outcome = decide(task, deps.now);
      if (outcome.kind !== 'unchanged') requireBeforeDeadline(task, deps.now);
      return outcome;
    },
  });

const verb =
  (decide: Decide) =>
  (tx: Transaction, requests: readonly TaskRequest[], deps: Deps): Promise<Answer<TaskRecord>[]> =>
    changeTasks(tx, requests.map(changeOf(deps, decide)), deps);

/** Makes tasks pending that were never scheduled, whatever they depend on. */
export const scheduleTasks = verb(lifecycle.schedule);

const rerunAll = verb((task, now) => {
  requireBeforeDeadline(task, now);
  return lifecycle.rerun(task, now);
});

/** Runs tasks once more that are resolved (or were never scheduled). Dependents are left alone. */
export const rerunTasks: typeof rerunAll = async (tx, requests, deps) => {
  const answers = await rerunAll(tx, requests, deps);
  const tasks = answers.filter((answer): answer is TaskRecord => !(answer instanceof RequestError));
  // The deadline loop may have passed them by while they were resolved.
  if (tasks.length > 0) tx.last(store.lookAgainFor(tx, tasks));
  return answers;
};

/** Ends tasks that are not resolved. */
export const cancelTasks = verb((task, now) => {
  requireBeforeDeadline(task, now);
  return lifecycle.end(task, 'canceled', now);
});
