import type { Transaction, Work } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store/index.ts';

/** What is wanted of a task queue. */
export interface Wanted {
  readonly taskQueueId: string;
  readonly count: number;
  /** Microseconds for which a run waits until it gains a priority; 0 where it gains none. */
  readonly ageing: number;
}

/** Each round finds what the others left. After the last one the workers of other processes have a turn first. */
const roundsMax = 5;

/**
 * Takes runs without `skip locked`: it reads the heads of the lines, and deletes what it found. Of several transactions that
 * found the same row one deletes it; the others wait for that one, find the row gone, and read again.
 */
export const takeGuarded = async (
  tx: Transaction,
  wanted: readonly Wanted[],
  { now, context: { pendingChanged } }: Work<Context>,
): Promise<store.TakenRow[]> => {
  const taken: store.TakenRow[] = [];
  let open = wanted;
  for (let round = 0; open.length > 0 && round < roundsMax; round++) {
    const chosen = await chooseRows(tx, open, now);
    const rows = chosen.length > 0 ? await store.takeChosen(tx, chosen) : [];
    taken.push(...rows);
    open = open.flatMap((line) => stillWanted(line, chosen, rows));
  }
  const lines = open.map(({ taskQueueId }) => taskQueueId);
  if (lines.length > 0) tx.afterCommit(() => pendingChanged.wake(lines));
  return taken;
};

const chooseRows = async (
  tx: Transaction,
  wanted: readonly Wanted[],
  now: Date,
): Promise<store.PendingKey[]> => {
  const columns = {
    taskQueueIds: wanted.map(({ taskQueueId }) => taskQueueId),
    counts: wanted.map(({ count }) => count),
  };
  if (wanted.every(({ ageing }) => ageing === 0)) return store.choosePending(tx, columns, now);
  // Without ageing a priority is worth more than any time.
  const ageingMicroseconds = wanted.map(({ ageing }) => ageing || Number.MAX_SAFE_INTEGER);
  return store.chooseAgedPending(tx, { ...columns, ageingMicroseconds }, now);
};

/** What a line is asked for again, since others took some of what was chosen from it. */
const stillWanted = (
  { taskQueueId, count, ageing }: Wanted,
  chosen: readonly store.PendingKey[],
  rows: readonly store.TakenRow[],
): Wanted[] => {
  const found = chosen.filter((key) => key.taskQueueId === taskQueueId).length;
  const got = rows.filter(({ record }) => record.taskQueueId === taskQueueId).length;
  return got < found ? [{ taskQueueId, count: count - got, ageing }] : [];
};
