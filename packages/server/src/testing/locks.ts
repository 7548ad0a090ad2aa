import { eventually } from '@taskyard/patience';
import type { Database } from '../base/index.ts';

/**
 * Waits until this many statements of this database wait for a lock: then those that a test has started stand where it
 * wants them.
 */
export const untilBlocked = async (db: Database, count: number): Promise<void> => {
  const countBlocked = async (): Promise<number> => {
    const [row] = await db<{ blocked: number }>`
      select count(*)::int as blocked from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`;
    return row?.blocked ?? 0;
  };
  await eventually(`${count} statements that wait for a lock`, countBlocked, (blocked) => blocked >= count);
};

/** A transaction that stays open until it is told to end; it has done its work when this resolves. */
export const heldTransaction = async (
  db: Database,
  work: Parameters<typeof db.transaction>[0],
): Promise<{ end(): Promise<void> }> => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isDone = (): void => {};
  const done = new Promise<void>((resolve) => {
    isDone = resolve;
  });
  const ended = db.transaction(async (tx) => {
    await work(tx);
    isDone();
    await held;
  });
  await Promise.race([done, ended]);
  return {
    end: async () => {
      release();
      await ended;
    },
  };
};
