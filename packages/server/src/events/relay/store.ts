import type { Sql, Transaction } from '../../base/index.ts';
import type { Position } from '../follow.ts';

/** Whether there may be a message that has not been published. */
export const hasUnpublished = async (db: Sql): Promise<boolean> => {
  const [row] = await db<{ found: boolean }>`
    select exists (
      select from relay r
       cross join lateral (
         select from outbox o
          where o.xid >= pg_snapshot_xmin(r.since) and not pg_visible_in_snapshot(o.xid, r.since)
         offset 0) as unpublished
    ) as found`;
  return row?.found ?? false;
};

/** The number of messages that are not published yet. */
export interface Lag {
  /** Counted up to the limit. */
  readonly messages: number;
  readonly oldestAt: Date | null;
  /** The number of messages that were ever skipped. */
  readonly skipped: number;
}

/** How far publishing lags behind. */
export const readLag = async (db: Sql, limit: number): Promise<Lag> => {
  const [row] = await db<Lag>`
    select count(waiting.created_at)::int as messages, min(waiting.created_at) as oldest_at, r.skipped
      from relay r
      left join lateral (
        select created_at
          from outbox o
         where o.xid >= pg_snapshot_xmin(r.since)
           and not pg_visible_in_snapshot(o.xid, r.since)
           and not (pg_visible_in_snapshot(o.xid, r.until) and o.id <= r.after_id)
         limit ${limit}
      ) waiting on true
     group by r.skipped`;
  return row as Lag;
};

/**
 * Locks the cursor for this transaction; returns nothing when another relay has it. The commit need not reach the disk:
 * what a crash loses is published twice.
 */
export const lockCursor = async (tx: Transaction): Promise<Position | undefined> => {
  const [row] = await tx<Position>`
    select since::text as since, until::text as until, after_id, set_config('synchronous_commit', 'off', true)
      from relay
       for update skip locked`;
  return row && { since: row.since, until: row.until, afterId: row.afterId };
};

/** Moves the cursor, and counts the messages that were skipped on the way. */
export const moveCursor = (tx: Transaction, { since, until, afterId }: Position, skipped: number) =>
  tx`
    update relay
       set since = ${since}::pg_snapshot, until = ${until}::pg_snapshot, after_id = ${afterId},
           skipped = skipped + ${skipped}`;
