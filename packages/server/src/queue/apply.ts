import {
  type Answer,
  type Database,
  RequestError,
  type Signal,
  type Transaction,
  together,
} from '../base/index.ts';
import { outbox } from '../events/index.ts';
import { continueRelease, type Resolution, releaseDependents } from '../scheduler/index.ts';
import type { Move } from './events.ts';
import * as events from './events.ts';
import * as lifecycle from './lifecycle.ts';
import { stateOf, type TaskRecord } from './record.ts';
import * as store from './store/index.ts';

/** What changes of tasks need beside the database. */
export interface ApplyDeps {
  readonly db: Database;
  /** Woken, with the ids of task queues, when runs became pending. */
  readonly pendingChanged: Signal;
  /** Woken when a large fan-out has begun. */
  readonly releaseStarted: Signal;
  /** What else happens, in the same transaction, when tasks resolve: handed in by the floors above. */
  readonly onResolved: (tx: Transaction, moves: readonly Move[], now: Date) => Promise<void>;
  /** Told of every claim after its commit: for how many seconds the run has waited for it. */
  readonly observeClaim?: ((waitedSeconds: number) => void) | undefined;
  /** The runs that leave the line of pending ones were taken out of it already. */
  readonly takenFromLine?: boolean;
}

/** A wish to change one task: looks at it as it stands and says what becomes of it. May throw a RequestError. */
export interface Change {
  readonly taskId: string;
  decide(task: TaskRecord): lifecycle.Outcome;
}

/** Locks the tasks, lets each change decide in order, and carries out what was decided. One answer for each change. */
export const changeTasks = async (
  tx: Transaction,
  changes: readonly Change[],
  deps: ApplyDeps & { now: Date },
): Promise<Answer<TaskRecord>[]> => {
  const { answers, moves } = decideAll(await lockAll(tx, changes), changes);
  await applyMoves(tx, moves, deps);
  return answers;
};

const lockAll = async (tx: Transaction, changes: readonly Change[]): Promise<Map<string, TaskRecord>> => {
  const taskIds = [...new Set(changes.map((change) => change.taskId))];
  return new Map((await store.lockRecords(tx, taskIds)).map((record) => [record.taskId, record]));
};

/** Lets changes decide, each on what those before it left. */
export const decideAll = (
  before: ReadonlyMap<string, TaskRecord>,
  changes: readonly Change[],
): { answers: Answer<TaskRecord>[]; moves: Move[] } => {
  const current = new Map(before);
  const answers = changes.map((change): Answer<TaskRecord> => {
    const record = current.get(change.taskId);
    if (!record) return new RequestError('ResourceNotFound', `Task ${change.taskId} does not exist.`);
    const decided = decide(change, record);
    if (!(decided instanceof RequestError)) current.set(change.taskId, decided);
    return decided;
  });
  const moves = [...before].flatMap(([taskId, old]) => {
    const after = current.get(taskId) as TaskRecord;
    return after === old ? [] : [{ before: old, after }];
  });
  return { answers, moves };
};

const decide = (change: Change, record: TaskRecord): Answer<TaskRecord> => {
  try {
    const outcome = change.decide(record);
    if (outcome.kind === 'moved') return outcome.task;
    if (outcome.kind === 'unchanged') return record;
    if (outcome.kind === 'conflict') return new RequestError('RequestConflict', outcome.message);
    return new RequestError('ResourceNotFound', `Task ${record.taskId} has no such run.`);
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
};

/** The place in line of the `index`th run that becomes pending at `now`: microseconds keep the order of a burst. */
export const positionAt = (now: Date, index: number): number =>
  now.getTime() * 1000 + Math.min(index, 999_999);

const isPending = (record: TaskRecord): boolean => stateOf(record) === 'pending';
const isRunning = (record: TaskRecord): boolean => stateOf(record) === 'running';
const lastRunId = (record: TaskRecord): number => record.runs.length - 1;

/** Gives the runs that became pending their place in line, and takes the others out of it. */
const placed = (moves: readonly Move[], now: Date): Move[] =>
  moves.map(({ before, after }, i) => {
    if (!isPending(after))
      return { before, after: after.position === null ? after : { ...after, position: null } };
    const isSameRun = lastRunId(before) === lastRunId(after);
    if (isPending(before) && isSameRun) return { before, after: { ...after, position: before.position } };
    // A run whose claim was taken back goes where it has waited before.
    const since = isSameRun ? new Date(after.runs.at(-1)?.scheduled ?? now) : now;
    return { before, after: { ...after, position: positionAt(since, i) } };
  });

/**
 * Carries out changes of tasks whose rows are locked: their status, the line of pending runs, claims, the dependents
 * that are ready by it, groups, and the messages that report all that. Groups come last: every transaction locks tasks
 * before groups, so none waits for another in a circle.
 */
export const applyMoves = async (
  tx: Transaction,
  moved: readonly Move[],
  deps: ApplyDeps & { now: Date },
): Promise<void> => {
  if (moved.length === 0) return;
  const moves = placed(moved, deps.now);
  // What does not depend on answers is sent together: round trips cost more than statements.
  const written = together(
    writeMoves(tx, moves, deps),
    outbox.append(tx, moves.flatMap(events.messagesOf), deps.now),
  );
  const resolved = moves.filter(events.isResolution);
  const scheduled = resolved.length > 0 ? await followResolved(tx, { resolved, written }, deps) : [];
  if (resolved.length === 0) tx.last(written);
  announcePending(tx, [...moves, ...scheduled], deps);
  if (deps.observeClaim) observeClaims(tx, moves, { observe: deps.observeClaim, now: deps.now });
};

const observeClaims = (
  tx: Transaction,
  moves: readonly Move[],
  { observe, now }: { observe: (waitedSeconds: number) => void; now: Date },
): void => {
  const claimed = moves.filter(({ before, after }) => isRunning(after) && !isRunning(before));
  if (claimed.length === 0) return;
  const waitedSeconds = (scheduled: string) => Math.max(0, now.getTime() - Date.parse(scheduled)) / 1000;
  tx.afterCommit(() => {
    for (const { after } of claimed) observe(waitedSeconds(after.runs.at(-1)?.scheduled ?? ''));
  });
};

/** What follows when tasks are resolved for good: for their dependents, in their groups, on the floors above. */
const followResolved = async (
  tx: Transaction,
  { resolved, written }: { resolved: readonly Move[]; written: Promise<unknown> },
  deps: ApplyDeps & { now: Date },
): Promise<Move[]> => {
  const [{ ready, unfinished }] = await together(
    releaseDependents(tx, resolved.flatMap(resolutionOf)),
    written,
  );
  if (unfinished) tx.afterCommit(() => deps.releaseStarted.wake());
  const scheduled = await scheduleReady(tx, ready, deps.now);
  const [groups] = await together(
    countResolved(tx, resolved),
    outbox.append(tx, scheduled.flatMap(events.messagesOf), deps.now),
  );
  await deps.onResolved(tx, resolved, deps.now);
  tx.last(outbox.append(tx, groups.map(events.taskGroupResolved), deps.now));
  return scheduled;
};

/** Writes the rows that a set of changes touches. */
const writeMoves = async (
  tx: Transaction,
  moves: readonly Move[],
  { now, takenFromLine = false }: { now: Date; takenFromLine?: boolean },
): Promise<void> => {
  const left = takenFromLine
    ? []
    : moves.filter(({ before, after }) => isPending(before) && before.position !== after.position);
  const joined = moves.filter(
    ({ before, after }) => isPending(after) && after.position !== before.position && after.deadline > now,
  );
  const claimed = moves.filter(({ before, after }) => isRunning(after) && !isRunning(before));
  const prolonged = moves.filter(({ before, after }) => isRunning(after) && isRunning(before));
  const unclaimed = moves.filter(({ before, after }) => isRunning(before) && !isRunning(after));
  await together(
    store.saveRecords(
      tx,
      moves.map(({ after }) => after),
    ),
    left.length > 0 &&
      store.deletePending(
        tx,
        left.map(({ before }) => pendingKey(before)),
      ),
    joined.length > 0 &&
      store.insertPending(
        tx,
        joined.map(({ after }) => pendingRow(after)),
      ),
    unclaimed.length > 0 &&
      store.deleteClaims(
        tx,
        unclaimed.map(({ after }) => after.taskId),
      ),
    claimed.length > 0 &&
      store.insertClaims(
        tx,
        claimed.map(({ after }) => claimRow(after, now)),
      ),
    prolonged.length > 0 &&
      store.updateClaims(
        tx,
        prolonged.map(({ after }) => after.taskId),
        prolonged.map(({ after }) => takenUntilOf(after)),
      ),
  );
};

const pendingKey = (record: TaskRecord): store.PendingKey => ({
  taskQueueId: record.taskQueueId,
  priority: record.priority,
  position: record.position ?? 0,
  taskId: record.taskId,
});

/** The row of a pending record in the line. */
export const pendingRow = (record: TaskRecord): store.PendingRow => ({
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

const resolutionOf = ({ before, after }: Move): Resolution[] => {
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

/** Takes first resolutions out of the count of their groups; answers the groups in which nothing is left to do. */
const countResolved = (tx: Transaction, moves: readonly Move[]): Promise<store.GroupRow[]> => {
  const counts = new Map<string, number>();
  for (const move of moves) {
    const first = lifecycle.wasEverResolved(move.before) ? 0 : 1;
    counts.set(move.after.taskGroupId, (counts.get(move.after.taskGroupId) ?? 0) + first);
  }
  return store.shrinkGroups(tx, [...counts.keys()], [...counts.values()]);
};

/** Makes tasks pending whose dependencies are all satisfied now; answers what that changed. */
const scheduleReady = async (tx: Transaction, ready: readonly string[], now: Date): Promise<Move[]> => {
  if (ready.length === 0) return [];
  const changes = ready.map((taskId) => ({
    taskId,
    decide: (task: TaskRecord) => lifecycle.schedule(task, now),
  }));
  const moves = placed(decideAll(await lockAll(tx, changes), changes).moves, now);
  if (moves.length > 0) await writeMoves(tx, moves, { now });
  return moves;
};

/** One further step of a large fan-out; answers how many tasks became ready by it, at least 1 when there was one. */
export const releaseFurther = async (tx: Transaction, deps: ApplyDeps & { now: Date }): Promise<number> => {
  const ready = await continueRelease(tx);
  if (!ready) return 0;
  const scheduled = await scheduleReady(tx, ready, deps.now);
  await outbox.append(tx, scheduled.flatMap(events.messagesOf), deps.now);
  announcePending(tx, scheduled, deps);
  return Math.max(1, ready.length);
};

const announcePending = (tx: Transaction, moves: readonly Move[], { pendingChanged }: ApplyDeps): void => {
  const taskQueueIds = new Set(
    moves.filter(({ after }) => isPending(after)).map(({ after }) => after.taskQueueId),
  );
  if (taskQueueIds.size > 0) tx.afterCommit(() => pendingChanged.wake([...taskQueueIds]));
};
