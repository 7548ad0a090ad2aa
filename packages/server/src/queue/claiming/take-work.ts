import { type Transaction, together, type Work } from '../../base/index.ts';
import { applyChanges } from '../changes/apply.ts';
import { decideAll, lockTasks } from '../changes/decide.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import * as store from '../store/index.ts';
import { claimText, takenUntilFrom } from './claim-reply.ts';
import type { Heads } from './heads.ts';
import { takeGuarded, type Wanted } from './take-guarded.ts';

/** A waiting call of `claimWork`: a worker and how many runs it can take. */
export interface Waiter {
  readonly worker: lifecycle.WorkerRef;
  readonly count: number;
}

/** A run that was taken for a worker. */
export interface Taken {
  readonly waiter: Waiter;
  readonly taskId: string;
  readonly held: lifecycle.HeldRun;
  /** The claim as the API shows it, JSON text. */
  readonly text: string;
}

type WaitingByQueue = ReadonlyMap<string, readonly Waiter[]>;

/** Who waits for runs, by task queue, and where the lines of the task queues begin. */
export interface Taking {
  readonly waiting: WaitingByQueue;
  readonly heads: Heads;
}

/**
 * Takes pending runs for the workers that wait on some task queues, all in one transaction. The runs of a queue are dealt
 * out to its waiting workers in turn, so that a burst is spread over them.
 */
export const takeWork = async (
  tx: Transaction,
  { waiting, heads }: Taking,
  work: Work<Context>,
): Promise<Taken[]> => {
  const { now, context } = work;
  const rows = await takeRows(tx, { waiting, heads }, work);
  if (rows.length === 0) return [];
  const assigned = assign(rows, waiting);
  const definitions = new Map(rows.map(({ record, definition }) => [record.taskId, definition]));
  const takenUntil = takenUntilFrom(now, context.settings.claimTimeoutSeconds);
  const { changes } = decideAll(
    new Map(rows.map(({ record }) => [record.taskId, record])),
    rows.map(({ record: { taskId }, runId }) => ({
      taskId,
      decide: (task: TaskRecord) => {
        const { worker } = assigned.get(taskId) as Waiter;
        return lifecycle.claim(task, { runId, worker, takenUntil }, now);
      },
    })),
  );
  await applyChanges(tx, { changes, isTakenFromLine: true }, work);
  // Rows were locked in order of ids, but a worker gets its runs in order of the line.
  const records = new Map(changes.map(({ after }) => [after.taskId, after]));
  return [...assigned].flatMap(([taskId, waiter]) => {
    const record = records.get(taskId);
    if (!record) return [];
    const { worker } = waiter;
    const held = { runId: record.runs.length - 1, worker, started: now.toJSON() };
    const claimed = { record, worker, definition: definitions.get(taskId) ?? '{}' };
    return [{ waiter, taskId, held, text: claimText(claimed, work) }];
  });
};

/** Takes runs by priority and then age, or by both together in queues with ageing. */
const takeRows = async (
  tx: Transaction,
  { waiting, heads }: Taking,
  work: Work<Context>,
): Promise<store.TakenRow[]> => {
  const { settings } = work.context;
  const wanted = [...waiting].map(([taskQueueId, waiters]) => ({
    taskQueueId,
    count: waiters.reduce((sum, { count }) => sum + count, 0),
    ageing: (settings.ageing?.(taskQueueId) ?? 0) * 1_000_000,
  }));
  const aged = wanted.filter(({ ageing }) => ageing > 0);
  const plain = wanted
    .filter(({ ageing }) => ageing === 0)
    .map((each) => ({ ...each, parts: heads.partsOf(each.taskQueueId) }));
  const due = heads.due(plain.map(({ taskQueueId }) => taskQueueId));
  const take = settings.claimLocking === 'guarded-delete' ? takeGuarded : takeSkipping;
  const [, rows] = await together(
    // Before runs are taken: when this transaction is rolled back, they are in line again.
    due.length > 0 && heads.read(due, (parts) => store.findHeads(tx, parts, work.now)),
    take(tx, { plain, aged }, work),
  );
  const ofPlain = new Set(plain.map(({ taskQueueId }) => taskQueueId));
  heads.took(rows.map(({ record }) => record.taskQueueId).filter((id) => ofPlain.has(id)));
  return rows;
};

/**
 * Takes runs, and skips those that another process is taking. Where runs age, the first ones of all priorities are compared:
 * to lock them all would hide them from others for a moment, so these are taken without.
 */
const takeSkipping = async (
  tx: Transaction,
  { plain, aged }: Wanted,
  work: Work<Context>,
): Promise<store.TakenRow[]> => {
  const [taken, takenAged] = await together(
    plain.length > 0 ? store.takePending(tx, plain, work.now) : [],
    takeGuarded(tx, { plain: [], aged }, work),
  );
  return [...taken, ...takenAged];
};

/** Assigns the runs of each queue, in order, to its waiting workers in turn, while these can take more. */
const assign = (rows: readonly store.TakenRow[], waiting: WaitingByQueue): Map<string, Waiter> => {
  const assigned = new Map<string, Waiter>();
  for (const [taskQueueId, waiters] of waiting) {
    const line = rows.filter(({ record }) => record.taskQueueId === taskQueueId).sort(byUrgency);
    const turns = roundRobin(waiters);
    line.forEach(({ record }, i) => {
      assigned.set(record.taskId, turns[i] as Waiter);
    });
  }
  return assigned;
};

const byUrgency = ({ record: a }: store.TakenRow, { record: b }: store.TakenRow): number =>
  a.priority - b.priority || (a.position ?? 0) - (b.position ?? 0) || (a.taskId < b.taskId ? -1 : 1);

const roundRobin = (waiters: readonly Waiter[]): Waiter[] => {
  const turns: Waiter[] = [];
  const most = Math.max(...waiters.map(({ count }) => count));
  for (let round = 0; round < most; round++) turns.push(...waiters.filter(({ count }) => count > round));
  return turns;
};

/**
 * Returns which of these runs are still held by these claims. It waits for the transaction that took them if that is still
 * in progress, since it has their tasks locked.
 */
export const whatIsHeld = async (tx: Transaction, taken: readonly Taken[]): Promise<Taken[]> => {
  const records = await lockTasks(tx, taken);
  return taken.filter(({ taskId, held }) => {
    const record = records.get(taskId);
    return record !== undefined && lifecycle.isHeld(record, held);
  });
};

/** Gives runs back that were taken for callers that have disconnected. Safe to repeat. */
export const giveBack = async (
  tx: Transaction,
  taken: readonly Taken[],
  work: Work<Context>,
): Promise<void> => {
  const attempts = taken.map(({ taskId, held }) => ({
    taskId,
    decide: (task: TaskRecord) => lifecycle.release(task, held),
  }));
  const { changes } = decideAll(await lockTasks(tx, taken), attempts);
  await applyChanges(tx, { changes }, work);
};
