import { type Loop, later, seconds, type Transaction, transact } from '../base/index.ts';
import { deleteTasks as forgetDependencies } from '../scheduler/index.ts';
import { changeTasks, releaseFurther } from './apply.ts';
import type { QueueDeps } from './context.ts';
import * as lifecycle from './lifecycle.ts';
import type { TaskRecord } from './record.ts';
import * as store from './store/index.ts';

type Step = (tx: Transaction, deps: QueueDeps & { now: Date; limit: number }) => Promise<number>;

/** Ends claims that were not prolonged in time, and retries their runs. */
export const expireClaims: Step = async (tx, { now, limit, ...deps }) => {
  const expired = await store.expiredClaims(tx, now, limit);
  const changes = expired.map(({ taskId, runId, takenUntil }) => ({
    taskId,
    decide: (task: TaskRecord) =>
      task.deadline <= now
        ? ({ kind: 'unchanged' } as const)
        : lifecycle.expireClaim(task, runId, takenUntil, now),
  }));
  if (changes.length > 0) await changeTasks(tx, changes, { ...deps, now });
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
  // While there is much to do, what may have turned up behind us waits.
  if (fresh.length === limit || isSamePlace(settled, looked)) return { overdue: fresh, isAll: true };
  const late = await store.openBetween(tx, { after: settled, until: looked }, { due, limit });
  const isAll = late.length < limit;
  if (isMarkOver && isAll) await store.settleMark(tx, cursor);
  return { overdue: [...fresh, ...late], isAll };
};

/**
 * Ends tasks whose deadline has passed a while ago. A cursor walks over all deadlines in order of time, so a task is
 * looked at twice at most, resolved or not; only one process moves it at a time. It looks a second time since tasks may
 * turn up behind it whose transactions began before; tasks that are added behind it later move it back.
 */
export const endPastDeadline: Step = async (tx, { now, limit, ...deps }) => {
  const cursor = await store.lockDeadlineCursor(tx);
  if (!cursor) return 0;
  const due = later(now, -seconds(deps.settings.deadlineDelaySeconds));
  const { overdue, isAll } = await findOverdue(tx, cursor, { due, limit });
  const changes = overdue
    .filter(({ state }) => isOpen(state))
    .map(({ taskId }) => ({
      taskId,
      decide: (task: TaskRecord) =>
        task.deadline < due
          ? lifecycle.end(task, 'deadline-exceeded', now)
          : ({ kind: 'unchanged' } as const),
    }));
  if (changes.length > 0) await changeTasks(tx, changes, { ...deps, now });
  return isAll ? overdue.length : limit;
};

/** Deletes tasks that expired, whatever their state. */
export const deleteExpiredTasks: Step = async (tx, { now, limit, onDeleted }) => {
  const taskIds = await store.expiredTasks(tx, now, limit);
  if (taskIds.length === 0) return 0;
  await store.deleteTasks(tx, taskIds);
  await forgetDependencies(tx, taskIds);
  await onDeleted(tx, taskIds, now);
  return taskIds.length;
};

const stepOf =
  (deps: QueueDeps, step: Step): Loop['step'] =>
  (limit) =>
    transact(deps, (tx, now) => step(tx, { ...deps, now, limit }));

/** The queue's background work. */
export const queueLoops = (deps: QueueDeps): readonly Loop[] => [
  { name: 'expire-claims', everyMs: seconds(1), limit: 200, step: stepOf(deps, expireClaims) },
  { name: 'end-past-deadline', everyMs: seconds(2), limit: 500, step: stepOf(deps, endPastDeadline) },
  {
    name: 'continue-releases',
    everyMs: seconds(2),
    limit: 1,
    wakeBy: deps.releaseStarted,
    step: stepOf(deps, releaseFurther),
  },
  { name: 'delete-expired-tasks', everyMs: seconds(60), limit: 500, step: stepOf(deps, deleteExpiredTasks) },
  {
    name: 'delete-expired-groups',
    everyMs: seconds(60),
    limit: 500,
    step: (limit) => store.deleteExpiredGroups(deps.db, deps.clock.now(), limit),
  },
];
