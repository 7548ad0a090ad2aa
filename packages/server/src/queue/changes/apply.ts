import { type Answer, type Transaction, together, type Work } from '../../base/index.ts';
import { type Message, outbox } from '../../events/index.ts';
import type { Context } from '../context.ts';
import { isResolution, messagesOf } from '../events.ts';
import { type Change, stateOf, type TaskRecord } from '../record.ts';
import { type Attempt, decideAll, lockTasks } from './decide.ts';
import { announceLost, announcePending, followResolved } from './follow.ts';
import { traceChanges } from './spans.ts';
import { isRunning, placeInLine, writeChanges } from './write.ts';

/** Locks the tasks, lets each attempt decide in order, and applies the decisions. Returns one result for each attempt. */
export const changeTasks = async (
  tx: Transaction,
  attempts: readonly Attempt[],
  work: Work<Context>,
): Promise<Answer<TaskRecord>[]> => {
  const { answers, changes } = decideAll(await lockTasks(tx, attempts), attempts);
  await applyChanges(tx, { changes }, work);
  return answers;
};

/** Changes of tasks whose rows are locked. */
export interface Applying {
  readonly changes: readonly Change[];
  /** The messages that report them; by default one for each run whose state changed. */
  readonly messages?: readonly Message[];
  /** Runs that are no longer pending have already been removed from the line. */
  readonly isTakenFromLine?: boolean;
}

/**
 * Applies changes of tasks: writes their status, the line of pending runs and claims, then releases dependents, counts
 * groups, and appends the messages that report all of it.
 */
export const applyChanges = async (
  tx: Transaction,
  { changes: decided, messages, isTakenFromLine = false }: Applying,
  work: Work<Context>,
): Promise<void> => {
  const { now, context } = work;
  if (decided.length === 0) return;
  const changes = placeInLine(decided, now);
  // Statements that do not depend on each other's results are sent together: round trips cost more than statements.
  const written = together(
    writeChanges(tx, { changes, now, isTakenFromLine }),
    outbox.append(tx, messages ?? changes.flatMap(messagesOf), now),
  );
  const resolved = changes.filter(isResolution);
  if (resolved.length === 0) tx.last(written);
  const scheduled = resolved.length > 0 ? await followResolved(tx, { resolved, written }, work) : [];
  announcePending(tx, [...changes, ...scheduled], context);
  announceLost(tx, changes, context);
  observeClaims(tx, changes, work);
  observeEnds(tx, changes, context);
  traceChanges(tx, changes, work);
  tellOfWork(tx, changes, context);
};

/** Reports where other runs than before wait or are claimed. */
const tellOfWork = (tx: Transaction, changes: readonly Change[], { workMoved }: Context): void => {
  if (!workMoved) return;
  const moved = changes.filter(({ before, after }) => stateOf(before) !== stateOf(after));
  const taskQueueIds = [...new Set(moved.map(({ after }) => after.taskQueueId))];
  if (taskQueueIds.length > 0) tx.afterCommit(() => workMoved(taskQueueIds));
};

/** Reports how long claimed runs have waited. */
const observeClaims = (
  tx: Transaction,
  changes: readonly Change[],
  { now, context: { observeClaim } }: Work<Context>,
): void => {
  const claimed = observeClaim
    ? changes.filter(({ before, after }) => isRunning(after) && !isRunning(before))
    : [];
  if (claimed.length === 0) return;
  const waitedSeconds = (scheduled: string) => Math.max(0, now.getTime() - Date.parse(scheduled)) / 1000;
  tx.afterCommit(() => {
    for (const { after } of claimed) observeClaim?.(waitedSeconds(after.runs.at(-1)?.scheduled ?? ''));
  });
};

/** Reports the runs that have ended. One may have been followed by another at once, since its task is tried again. */
const observeEnds = (tx: Transaction, changes: readonly Change[], { observeEnd }: Context): void => {
  if (!observeEnd) return;
  const ended = changes.flatMap(({ before, after }) =>
    after.runs
      .slice(Math.max(0, before.runs.length - 1))
      .flatMap(({ runId, reasonResolved: reason }) =>
        reason && !before.runs[runId]?.reasonResolved ? [{ taskQueueId: after.taskQueueId, reason }] : [],
      ),
  );
  if (ended.length > 0) tx.afterCommit(() => ended.forEach(observeEnd));
};
