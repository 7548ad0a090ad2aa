import { type Loop, later, seconds, type Transaction, transact, type Work } from '../base/index.ts';
import { deleteTasks as forgetDependencies } from '../scheduler/index.ts';
import { changeTasks } from './changes/apply.ts';
import { releaseFurther } from './changes/follow.ts';
import type { Context } from './context.ts';
import * as lifecycle from './lifecycle.ts';
import type { TaskRecord } from './record.ts';
import * as store from './store/index.ts';

/** One bounded step: at most `limit` things; returns how many it did. */
type Step = (tx: Transaction, limit: number, work: Work<Context>) => Promise<number>;

/** Ends claims that were not prolonged in time, and retries their runs. */
export const expireClaims: Step = async (tx, limit, work) => {
  const { now } = work;
  const expired = await store.expiredClaims(tx, now, limit);
  const attempts = expired.map(({ taskId, runId, takenUntil }) => ({
    taskId,
    decide: (task: TaskRecord) =>
      task.deadline <= now
        ? ({ kind: 'unchanged' } as const)
        : lifecycle.expireClaim(task, runId, takenUntil, now),
  }));
  if (attempts.length > 0) await changeTasks(tx, attempts, work);
  return expired.length;
};

const isSamePlace = (a: store.DeadlinePlace, b: store.DeadlinePlace): boolean =>
  a.deadline.getTime() === b.deadline.getTime() && a.taskId === b.taskId;

const isOpen = (state: string): boolean =>
  state === 'unscheduled' || state === 'pending' || state === 'running';

/** Looks at tasks whose deadline passed before `due`, and moves the cursor. */
const findOverdue = async (
  tx: Transaction,
  cursor: store.DeadlineCursor,
  { due, limit }: { due: Date; limit: number },
) => {
  const { settled, looked, isMarkOver } = cursor;
  const fresh = await store.pastDeadline(tx, looked, { due, limit });
  const last = fresh.at(-1);
  if (last) await store.moveLooked(tx, last);
  // While there is much to do, tasks that may have appeared behind the cursor wait.
  if (fresh.length === limit || isSamePlace(settled, looked)) return { overdue: fresh, isAll: true };
  const late = await store.openBetween(tx, { after: settled, until: looked }, { due, limit });
  const isAll = late.length < limit;
  if (isMarkOver && isAll) await store.settleMark(tx, cursor);
  return { overdue: [...fresh, ...late], isAll };
};

/**
 * Ends tasks whose deadline passed some time ago. A cursor moves over all deadlines in order of time, one process at a
 * time, so each task is read at most twice. The second time is for tasks that appear behind the cursor because their
 * transactions began before; tasks that are added behind it later move it back.
 */
export const endPastDeadline: Step = async (tx, limit, work) => {
  const { now, context } = work;
  const cursor = await store.lockDeadlineCursor(tx);
  if (!cursor) return 0;
  const due = dueDeadline(now, context);
  const { overdue, isAll } = await findOverdue(tx, cursor, { due, limit });
  const attempts = overdue
    .filter(({ state }) => isOpen(state))
    .map(({ taskId }) => ({
      taskId,
      decide: (task: TaskRecord) =>
        task.deadline < due
          ? lifecycle.end(task, 'deadline-exceeded', now)
          : ({ kind: 'unchanged' } as const),
    }));
  if (attempts.length > 0) await changeTasks(tx, attempts, work);
  return isAll ? overdue.length : limit;
};

/**
 * Deletes tasks that expired. One that is still open is resolved now and deleted by the next step, so that its dependents,
 * its group and listeners learn how it ended: a task may expire at its deadline, before `endPastDeadline` gets to it.
 */
export const deleteExpiredTasks: Step = async (tx, limit, work) => {
  const { now, context } = work;
  const expired = await store.expiredTasks(tx, now, limit);
  const attempts = expired
    .filter(({ state }) => isOpen(state))
    .map(({ taskId }) => ({
      taskId,
      decide: (task: TaskRecord) => lifecycle.end(task, 'deadline-exceeded', now),
    }));
  if (attempts.length > 0) await changeTasks(tx, attempts, work);
  const taskIds = expired.filter(({ state }) => !isOpen(state)).map(({ taskId }) => taskId);
  if (taskIds.length > 0) {
    await store.deleteTasks(tx, taskIds);
    await forgetDependencies(tx, taskIds);
    await context.onDeleted(tx, taskIds, now);
  }
  return expired.length;
};

const dueDeadline = (now: Date, { settings }: Context): Date =>
  later(now, -seconds(settings.deadlineDelaySeconds));

const hasExpiredClaims = async ({ db, clock }: Context): Promise<boolean> =>
  (await store.expiredClaims(db, clock.now(), 1)).length > 0;

const hasPastDeadline = (context: Context): Promise<boolean> =>
  store.hasPastDeadline(context.db, dueDeadline(context.clock.now(), context));

/** A step that is taken only after a read has found something to do: that costs less than a transaction. */
const stepIf =
  (isDue: (context: Context) => Promise<boolean>, context: Context, step: Step): Loop['step'] =>
  async (limit) =>
    (await isDue(context)) ? stepOf(context, step)(limit) : 0;

const stepOf =
  (context: Context, step: Step): Loop['step'] =>
  (limit) =>
    transact(context, (tx, now) => step(tx, limit, { now, context }));

/** The queue's background work. */
export const queueLoops = (context: Context): readonly Loop[] => [
  {
    name: 'expire-claims',
    everyMs: seconds(1),
    limit: 200,
    step: stepIf(hasExpiredClaims, context, expireClaims),
  },
  {
    name: 'end-past-deadline',
    everyMs: seconds(2),
    limit: 500,
    step: stepIf(hasPastDeadline, context, endPastDeadline),
  },
  {
    name: 'continue-releases',
    everyMs: seconds(2),
    limit: 1,
    wakeBy: context.releaseStarted,
    step: stepOf(context, (tx, _, work) => releaseFurther(tx, work)),
  },
  {
    name: 'delete-expired-tasks',
    everyMs: seconds(60),
    limit: 500,
    step: stepOf(context, deleteExpiredTasks),
  },
  {
    name: 'delete-expired-groups',
    everyMs: seconds(60),
    limit: 500,
    step: (limit) => store.deleteExpiredGroups(context.db, context.clock.now(), limit),
  },
];
