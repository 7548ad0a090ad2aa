import { type Answer, type Transaction, together, type Work } from '../../base/index.ts';
import { type Message, outbox } from '../../events/index.ts';
import type { Context } from '../context.ts';
import { isResolution, messagesOf } from '../events.ts';
import type { Change, TaskRecord } from '../record.ts';
import { type Attempt, decideAll, lockTasks } from './decide.ts';
import { announcePending, followResolved } from './follow.ts';
import { isRunning, placeInLine, writeChanges } from './write.ts';

/** Locks the tasks, lets each attempt decide in order, and carries out what was decided. One answer for each attempt. */
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
  /** The runs that leave the line of pending ones were taken out of it already. */
  readonly isTakenFromLine?: boolean;
}

/**
 * Carries out changes of tasks: their status, the line of pending runs, claims, the dependents that are ready by it,
 * groups, and the messages that report all that.
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
  observeClaims(tx, changes, work);
};

/** Measures how long the runs that were claimed have waited for it. */
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
