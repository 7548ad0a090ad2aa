import { type Transaction, together, type Work } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store/index.ts';

/** How many runs are wanted from a task queue. */
interface WantedOf {
  readonly taskQueueId: string;
  readonly count: number;
}

/** What is wanted: from queues by priority and then age, with the parts of their lines, and from those with ageing. */
export interface Wanted {
  readonly plain: readonly store.WantedRuns[];
  /** With the microseconds for which a run waits until it gains a priority. */
  readonly aged: readonly (WantedOf & { readonly ageing: number })[];
}

/** The columns of a statement about queues with ageing. */
const agedColumns = (aged: Wanted['aged']) => ({
  taskQueueIds: aged.map(({ taskQueueId }) => taskQueueId),
  counts: aged.map(({ count }) => count),
  ageingMicroseconds: aged.map(({ ageing }) => ageing),
});

/** Each round finds what the others left. After the last one the workers of other processes have a turn first. */
const roundsMax = 5;

/**
 * Takes runs without `skip locked`: it reads the heads of the lines, and deletes what it found. Of several transactions that
 * found the same row one deletes it; the others wait for that one, find the row gone, and read again.
 */
export const takeGuarded = async (
  tx: Transaction,
  wanted: Wanted,
  { now, context: { pendingChanged } }: Work<Context>,
): Promise<store.TakenRow[]> => {
  const taken: store.TakenRow[] = [];
  let { plain, aged } = wanted;
  for (let round = 0; plain.length + aged.length > 0 && round < roundsMax; round++) {
    const chosen = await chooseRows(tx, { plain, aged }, now);
    const rows = chosen.length > 0 ? await store.takeChosen(tx, chosen) : [];
    taken.push(...rows);
    plain = stillWanted(plain, chosen, rows);
    aged = stillWanted(aged, chosen, rows);
  }
  const open = [...plain, ...aged].map(({ taskQueueId }) => taskQueueId);
  if (open.length > 0) tx.afterCommit(() => pendingChanged.wake(open));
  return taken;
};

const chooseRows = async (
  tx: Transaction,
  { plain, aged }: Wanted,
  now: Date,
): Promise<store.PendingKey[]> => {
  const [first, others] = await together(
    plain.length > 0 ? store.choosePending(tx, plain, now) : [],
    aged.length > 0 ? store.chooseAgedPending(tx, agedColumns(aged), now) : [],
  );
  return [...first, ...others];
};

/** What queues are asked for again, since others took some of what was chosen from their lines. */
const stillWanted = <Line extends WantedOf>(
  lines: readonly Line[],
  chosen: readonly store.PendingKey[],
  rows: readonly store.TakenRow[],
): Line[] =>
  lines.flatMap((line) => {
    const found = chosen.filter((key) => key.taskQueueId === line.taskQueueId).length;
    const got = rows.filter(({ record }) => record.taskQueueId === line.taskQueueId).length;
    return got < found ? [{ ...line, count: line.count - got }] : [];
  });
