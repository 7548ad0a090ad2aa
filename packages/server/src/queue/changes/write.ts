import { type Transaction, together } from '../../base/index.ts';
import { type Change, stateOf, type TaskRecord } from '../record.ts';
import * as store from '../store/index.ts';

export const isPending = (record: TaskRecord): boolean => stateOf(record) === 'pending';
export const isRunning = (record: TaskRecord): boolean => stateOf(record) === 'running';
const lastRunId = (record: TaskRecord): number => record.runs.length - 1;

/** The place in line of the `index`th run that becomes pending at `now`: microseconds keep the order of a burst. */
export const positionAt = (now: Date, index: number): number =>
  now.getTime() * 1000 + Math.min(index, 999_999);

/** Gives runs that became pending their place in line, and removes the others from it. */
export const placeInLine = (changes: readonly Change[], now: Date): Change[] =>
  changes.map(({ before, after }, i) => {
    if (!isPending(after))
      return { before, after: after.position === null ? after : { ...after, position: null } };
    const isSameRun = lastRunId(before) === lastRunId(after);
    if (isPending(before) && isSameRun) return { before, after: { ...after, position: before.position } };
    // A run whose claim was undone returns to its earlier place.
    const since = isSameRun ? new Date(after.runs.at(-1)?.scheduled ?? now) : now;
    return { before, after: { ...after, position: positionAt(since, i) } };
  });

/** Changes that have their place in line. */
export interface Writing {
  readonly changes: readonly Change[];
  readonly now: Date;
  /** Runs that leave the line were already removed by the statement that found them. */
  readonly isTakenFromLine?: boolean;
}

/** Writes the rows of a set of changes: status, the line of pending runs, claims. All statements are sent together. */
export const writeChanges = async (
  tx: Transaction,
  { changes, now, isTakenFromLine = false }: Writing,
): Promise<void> => {
  const { left, joined, claimed, prolonged, unclaimed } = rowsOf(changes, now);
  await together(
    changes.length > 0 && store.saveRecords(tx, afterOf(changes)),
    left.length > 0 && !isTakenFromLine && store.deletePending(tx, beforeOf(left).map(pendingKey)),
    joined.length > 0 && store.insertPending(tx, afterOf(joined).map(pendingRow)),
    unclaimed.length > 0 && store.deleteClaims(tx, afterOf(unclaimed).map(idOf)),
    claimed.length > 0 &&
      store.insertClaims(
        tx,
        afterOf(claimed).map((record) => claimRow(record, now)),
      ),
    prolonged.length > 0 &&
      store.updateClaims(tx, afterOf(prolonged).map(idOf), afterOf(prolonged).map(takenUntilOf)),
  );
};

/** Puts new pending tasks in line; their status was inserted with them. */
export const writeNew = async (tx: Transaction, records: readonly TaskRecord[], now: Date): Promise<void> => {
  const pending = records.filter((record) => isPending(record) && record.deadline > now);
  if (pending.length > 0) await store.insertPending(tx, pending.map(pendingRow));
};

const beforeOf = (changes: readonly Change[]): TaskRecord[] => changes.map(({ before }) => before);
const afterOf = (changes: readonly Change[]): TaskRecord[] => changes.map(({ after }) => after);
const idOf = ({ taskId }: TaskRecord): string => taskId;

const isElsewhereInLine = ({ before, after }: Change): boolean =>
  before.position !== after.position || before.priority !== after.priority;

/** The rows of each change apart from the status. */
const rowsOf = (changes: readonly Change[], now: Date) => ({
  left: changes.filter((change) => isPending(change.before) && isElsewhereInLine(change)),
  joined: changes.filter(
    (change) => isPending(change.after) && isElsewhereInLine(change) && change.after.deadline > now,
  ),
  claimed: changes.filter(({ before, after }) => isRunning(after) && !isRunning(before)),
  prolonged: changes.filter(({ before, after }) => isRunning(after) && isRunning(before)),
  unclaimed: changes.filter(({ before, after }) => isRunning(before) && !isRunning(after)),
});

const pendingKey = (record: TaskRecord): store.PendingKey => ({
  taskQueueId: record.taskQueueId,
  priority: record.priority,
  position: record.position ?? 0,
  taskId: record.taskId,
});

/** The row of a pending record in the line. */
const pendingRow = (record: TaskRecord): store.PendingRow => ({
  ...pendingKey(record),
  runId: lastRunId(record),
  deadline: record.deadline,
});

const takenUntilOf = (record: TaskRecord): Date => new Date(record.runs.at(-1)?.takenUntil ?? 0);

const claimRow = (record: TaskRecord, now: Date): store.ClaimRow => {
  const run = record.runs.at(-1);
  return {
    taskId: record.taskId,
    runId: lastRunId(record),
    taskQueueId: record.taskQueueId,
    workerGroup: run?.workerGroup ?? '',
    workerId: run?.workerId ?? '',
    claimedAt: now,
    takenUntil: takenUntilOf(record),
    deadline: record.deadline,
  };
};
