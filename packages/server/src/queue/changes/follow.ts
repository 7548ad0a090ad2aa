import { type Transaction, together, type Work } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import { continueRelease, type Resolution, releaseDependents } from '../../scheduler/index.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import type { Change, TaskRecord } from '../record.ts';
import * as store from '../store/index.ts';
import { decideAll, lockTasks } from './decide.ts';
import { isPending, isRunning, placeInLine, writeChanges } from './write.ts';

/**
 * Applies what follows when tasks are resolved for good: in their dependents, their groups, and the floors above. Groups
 * come last: every transaction locks tasks before groups, which prevents deadlocks.
 *
 * @param written resolves when the changes themselves are written
 * @returns what changed for the dependents that are ready now
 */
export const followResolved = async (
  tx: Transaction,
  { resolved, written }: { resolved: readonly Change[]; written: Promise<unknown> },
  { now, context }: Work<Context>,
): Promise<Change[]> => {
  const [{ ready, unfinished }] = await together(
    releaseDependents(tx, resolved.flatMap(resolutionOf)),
    written,
  );
  if (unfinished) tx.afterCommit(() => context.releaseStarted.wake());
  const scheduled = await scheduleReady(tx, ready, now);
  const [groups] = await together(
    countResolved(tx, resolved),
    outbox.append(tx, scheduled.flatMap(events.messagesOf), now),
  );
  await context.onResolved(tx, resolved, now);
  tx.last(outbox.append(tx, groups.map(events.taskGroupResolved), now));
  return scheduled;
};

const resolutionOf = ({ before, after }: Change): Resolution[] => {
  const run = lifecycle.resolvedRun(before, after);
  if (!run) return [];
  return [
    {
      taskId: after.taskId,
      runId: run.runId,
      completed: run.state === 'completed',
      completedBefore: lifecycle.lastFinalRun(after, run.runId, { completed: true }),
      resolvedBefore: lifecycle.lastFinalRun(after, run.runId, { completed: false }),
    },
  ];
};

/** Subtracts first resolutions from the counts of their groups; returns the groups without unresolved tasks. */
const countResolved = (tx: Transaction, changes: readonly Change[]): Promise<store.GroupRow[]> => {
  const counts = new Map<string, number>();
  for (const { before, after } of changes) {
    const first = lifecycle.wasEverResolved(before) ? 0 : 1;
    counts.set(after.taskGroupId, (counts.get(after.taskGroupId) ?? 0) + first);
  }
  return store.shrinkGroups(tx, [...counts.keys()], [...counts.values()]);
};

/** Makes tasks pending whose dependencies are all satisfied now; returns the changes. */
const scheduleReady = async (tx: Transaction, ready: readonly string[], now: Date): Promise<Change[]> => {
  if (ready.length === 0) return [];
  const attempts = ready.map((taskId) => ({
    taskId,
    decide: (task: TaskRecord) => lifecycle.schedule(task, now),
  }));
  const changes = placeInLine(decideAll(await lockTasks(tx, attempts), attempts).changes, now);
  await writeChanges(tx, { changes, now });
  return changes;
};

/** One further step of a large fan-out; returns how many tasks became ready, at least 1 when there was a step. */
export const releaseFurther = async (tx: Transaction, { now, context }: Work<Context>): Promise<number> => {
  const ready = await continueRelease(tx);
  if (!ready) return 0;
  const scheduled = await scheduleReady(tx, ready, now);
  await outbox.append(tx, scheduled.flatMap(events.messagesOf), now);
  announcePending(tx, scheduled, context);
  return Math.max(1, ready.length);
};

/** Wakes waiting workers once the transaction is committed. */
export const announcePending = (
  tx: Transaction,
  changes: readonly Change[],
  { pendingChanged, placesTaken }: Context,
): void => {
  const earliest = new Map<string, number>();
  for (const { after } of changes) {
    if (!isPending(after)) continue;
    const known = earliest.get(after.taskQueueId) ?? Number.POSITIVE_INFINITY;
    earliest.set(after.taskQueueId, Math.min(known, after.position ?? 0));
  }
  if (earliest.size === 0) return;
  tx.afterCommit(() => {
    placesTaken.wake([...earliest].map(([taskQueueId, position]) => `${taskQueueId}@${position}`));
    pendingChanged.wake([...earliest.keys()]);
  });
};

/** Wakes the calls of workers that lost runs which they have not reported, once the transaction is committed. */
export const announceLost = (tx: Transaction, changes: readonly Change[], { runsLost }: Context): void => {
  const losers = new Set(
    changes
      .filter(({ before, after }) => isRunning(before) && isLostByItsWorker(before, after))
      .map(({ before }) => lifecycle.holderOf(before.taskQueueId, workerOf(before))),
  );
  if (losers.size > 0) tx.afterCommit(() => runsLost.wake([...losers]));
};

const workerOf = ({ runs }: TaskRecord): lifecycle.WorkerRef => {
  const { workerGroup = '', workerId = '' } = runs.at(-1) ?? {};
  return { workerGroup, workerId };
};

const isLostByItsWorker = (before: TaskRecord, after: TaskRecord): boolean =>
  lifecycle.isTakenAway(after, { runId: before.runs.length - 1, worker: workerOf(before) });
