import { afterAnyWait, later, type Sql, type Transaction } from '../../base/index.ts';
import type { Position } from '../follow.ts';
import type { Matchable } from '../patterns.ts';
import { endAfter } from '../snapshot.ts';
import { currentSnapshot } from '../store.ts';
import { waitMaxMs } from './failure.ts';

/** Gives each new subscription its place: after everything that is committed now. */
export const begin = async (db: Sql, names: readonly string[]): Promise<void> => {
  const end = await currentSnapshot(db);
  await db`
    insert into subscriptions (name, since, until)
    select name, ${end}::pg_snapshot, ${end}::pg_snapshot
      from unnest(${[...names].sort()}::text[]) as added(name)
        on conflict (name) do nothing`;
};

/** Whether there may be an unread message, and the subscription is not waiting after a failure. */
export const hasUnread = async (db: Sql, name: string, now: Date): Promise<boolean> => {
  const [row] = await db<{ found: boolean }>`
    select exists (
      select from subscriptions s
       cross join lateral (
         select from outbox o
          where o.xid >= pg_snapshot_xmin(s.since) and not pg_visible_in_snapshot(o.xid, s.since)
         offset 0) as unread
       where s.name = ${name}
         and (s.retry_at is null or s.retry_at <= ${now} or s.retry_at > ${afterAnyWait(later(now, waitMaxMs))})
    ) as found`;
  return row?.found ?? false;
};

/** The place of a subscription. */
export interface Place extends Position {
  readonly attempts: number;
  readonly singly: number;
}

/** Locks the place of a subscription for this transaction; nothing when it is locked, or waits after a failure. */
export const lockPlace = async (tx: Transaction, name: string, now: Date): Promise<Place | undefined> => {
  const [row] = await tx<Place>`
    select since::text as since, until::text as until, after_id, attempts, singly
      from subscriptions
     where name = ${name}
       and (retry_at is null or retry_at <= ${now} or retry_at > ${afterAnyWait(later(now, waitMaxMs))})
       for update skip locked`;
  return row;
};

/** The next place of a subscription. */
export interface Move extends Position {
  /** This many messages from there on are handled one by one. */
  readonly singly: number;
  /** The number of messages that were skipped on the way. */
  readonly skipped: number;
}

export const movePlace = (tx: Transaction, name: string, move: Move) =>
  tx`
    update subscriptions
       set since = ${move.since}::pg_snapshot, until = ${move.until}::pg_snapshot, after_id = ${move.afterId},
           attempts = 0, retry_at = null, singly = ${move.singly}, skipped = skipped + ${move.skipped}
     where name = ${name}`;

/** Delays the messages at a place after another failure; does nothing once the place has moved. */
export const rest = (db: Sql, name: string, { place, retryAt }: { place: Place; retryAt: Date }) =>
  db`
    update subscriptions
       set attempts = attempts + 1, retry_at = ${retryAt}
     where name = ${name} and since::text = ${place.since} and after_id = ${place.afterId}
       and attempts = ${place.attempts} and singly = ${place.singly}`;

/** New messages up to the limit, with the fields that are matched, and the snapshot of the read. */
export interface Look {
  readonly until: string;
  readonly messages: readonly Matchable[];
}

interface Sight {
  readonly since: string;
  readonly exchanges: string[] | undefined;
  readonly isRouted: boolean;
  readonly limit: number;
}

interface Seen {
  readonly snapshot: string;
  readonly lastXid: string;
  readonly exchange: string | null;
  readonly routingKey: string;
  readonly routes: string[];
}

/** Reads what became visible after snapshot `since` in these exchanges. */
export const lookAtNew = async (db: Sql, { since, exchanges, isRouted, limit }: Sight): Promise<Look> => {
  const rows = await db<Seen>`
    select now.snapshot, now.last_xid, m.exchange, m.routing_key, m.routes
      from (select pg_current_snapshot()::text as snapshot,
                   greatest(trimmed_xid, (select xid from outbox order by xid desc limit 1))::text as last_xid
              from outbox_trim) now
      left join lateral (
        select exchange, routing_key, routes
          from outbox
         where xid >= pg_snapshot_xmin(${since}::pg_snapshot)
           and not pg_visible_in_snapshot(xid, ${since}::pg_snapshot)
           and (${exchanges ?? null}::text[] is null or exchange = any(${exchanges ?? null}::text[]))
           and (not ${isRouted}::boolean or routes <> '{}')
         limit ${limit}
      ) m on true`;
  const [first] = rows;
  return {
    until: first ? endAfter(first.snapshot, first.lastXid) : since,
    messages: rows.flatMap(({ exchange, routingKey, routes }) =>
      exchange === null ? [] : [{ exchange, routingKey, routes }],
    ),
  };
};

/** The progress of a subscription. */
export interface SubscriptionState {
  readonly name: string;
  /** When the oldest message was written that it has not read. */
  readonly oldestAt: Date | null;
  /** The number of messages that were ever skipped. */
  readonly skipped: number;
}

/** The progress of all subscriptions of this database. */
export const readStates = (db: Sql): Promise<SubscriptionState[]> =>
  db<SubscriptionState>`
    select s.name, s.skipped, oldest.created_at as oldest_at
      from subscriptions s
      left join lateral (
        select created_at
          from outbox o
         where o.xid >= pg_snapshot_xmin(s.since)
           and not pg_visible_in_snapshot(o.xid, s.since)
           and not (pg_visible_in_snapshot(o.xid, s.until) and o.id <= s.after_id)
         order by o.xid, o.id limit 1
      ) oldest on true
     order by s.name`;
