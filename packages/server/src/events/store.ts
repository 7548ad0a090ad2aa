import type { Sql, Transaction } from '../base/index.ts';
import { endAfter } from './snapshot.ts';

/** A message in the outbox. */
export interface StoredMessage {
  readonly id: number;
  readonly exchange: string;
  readonly routingKey: string;
  readonly routes: string[];
  /** JSON text. */
  readonly payload: string;
}

/** Columns of new messages. */
export interface NewMessages {
  readonly exchanges: string[];
  readonly routingKeys: string[];
  /** Each a JSON array of strings: PostgreSQL has no arrays of arrays of different lengths. */
  readonly routes: string[];
  readonly payloads: string[];
}

/** Adds messages, in order. */
export const insertMessages = (tx: Transaction, messages: NewMessages, now: Date) =>
  tx`
    insert into outbox (created_at, exchange, routing_key, routes, payload)
    select ${now}, m.exchange, m.routing_key,
           case when m.routes = '[]' then '{}' else array(select json_array_elements_text(m.routes::json)) end,
           m.payload
      from unnest(${messages.exchanges}::text[], ${messages.routingKeys}::text[],
                  ${messages.routes}::text[], ${messages.payloads}::text[])
           with ordinality as m(exchange, routing_key, routes, payload, place)
     order by m.place`;

/**
 * The current snapshot: what is visible now and what is not yet. It ends after the last committed message, so it stays
 * valid after a crash of the database.
 */
export const currentSnapshot = async (db: Sql): Promise<string> => {
  const [row] = await db<{ snapshot: string; lastXid: string }>`
    select pg_current_snapshot()::text as snapshot,
           greatest(trimmed_xid, (select xid from outbox order by xid desc limit 1))::text as last_xid
      from outbox_trim`;
  const { snapshot, lastXid } = row as { snapshot: string; lastXid: string };
  return endAfter(snapshot, lastXid);
};

/** Selects messages that became visible between two snapshots. */
interface Page {
  readonly since: string;
  readonly until: string;
  readonly afterId: number;
  readonly limit: number;
  /** Only messages of these exchanges. */
  readonly exchanges?: string[] | undefined;
  /** Only messages with routes. */
  readonly isRouted?: boolean;
}

/** Messages that became visible after snapshot `since` and by snapshot `until`, in order, after message `afterId`. */
export const messagesBetween = (db: Sql, page: Page): Promise<StoredMessage[]> =>
  page.afterId === 0 ? firstMessages(db, page) : messagesAfter(db, page);

const none = null as unknown as string[];

const firstMessages = (db: Sql, { since, until, limit, exchanges = none, isRouted = false }: Page) =>
  db<StoredMessage>`
    select id, exchange, routing_key, routes, payload
      from outbox
     where xid >= pg_snapshot_xmin(${since}::pg_snapshot)
       and xid < pg_snapshot_xmax(${until}::pg_snapshot)
       and not pg_visible_in_snapshot(xid, ${since}::pg_snapshot)
       and pg_visible_in_snapshot(xid, ${until}::pg_snapshot)
       and (${exchanges}::text[] is null or exchange = any(${exchanges}::text[]))
       and (not ${isRouted}::boolean or routes <> '{}')
     order by id
     limit ${limit}`;

// A step may have millions of messages. Only its first page reads all of them; the next ones continue by id.
const messagesAfter = (db: Sql, { since, until, afterId, limit, exchanges = none, isRouted = false }: Page) =>
  db<StoredMessage>`
    select id, exchange, routing_key, routes, payload
      from outbox
     where id > ${afterId}
       and not pg_visible_in_snapshot(xid, ${since}::pg_snapshot)
       and pg_visible_in_snapshot(xid, ${until}::pg_snapshot)
       and (${exchanges}::text[] is null or exchange = any(${exchanges}::text[]))
       and (not ${isRouted}::boolean or routes <> '{}')
     order by id
     limit ${limit}`;

/** The facts about a reader's place that decide whether reading can continue there. */
export interface PlaceFacts {
  /**
   * Messages that became visible after it have been deleted, or are unknown: a place in the future was issued before the
   * database was moved here.
   */
  readonly isTrimmed: boolean;
  /** The greatest id of a transaction that committed a message. */
  readonly lastXid: string;
}

/** Checks a place that ends with snapshot `since`. */
export const readPlaceFacts = async (db: Sql, since: string): Promise<PlaceFacts> => {
  const [row] = await db<PlaceFacts>`
    select trimmed_xid >= pg_snapshot_xmin(${since}::pg_snapshot)
           or pg_snapshot_xmax(${since}::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot()) as is_trimmed,
           greatest(trimmed_xid, (select xid from outbox order by xid desc limit 1))::text as last_xid
      from outbox_trim`;
  return row as PlaceFacts;
};

/** Whether the outbox contains ids of future transactions: it was restored from another server's dump. */
export const isFromElsewhere = async (db: Sql): Promise<boolean> => {
  const [row] = await db<{ elsewhere: boolean | null }>`
    select pg_snapshot_xmax(r.until) > pg_snapshot_xmax(pg_current_snapshot())
           or greatest(t.trimmed_xid, (select o.xid from outbox o order by o.xid desc limit 1))
              >= pg_snapshot_xmax(pg_current_snapshot())
           or exists (select from subscriptions s
                       where pg_snapshot_xmax(s.until) > pg_snapshot_xmax(pg_current_snapshot())) as elsewhere
      from relay r, outbox_trim t`;
  return row?.elsewhere ?? false;
};

/**
 * Assigns messages of future transactions to this one, and deletes all places except those of subscriptions, which
 * continue before the first message that they had not handled.
 */
export const adoptMessages = async (tx: Transaction): Promise<void> => {
  await tx`
    update subscriptions s
       set since = '1:1:', until = '1:1:',
           after_id = coalesce(
             (select min(o.id) - 1 from outbox o
               where not pg_visible_in_snapshot(o.xid, s.since)
                 and not ((pg_visible_in_snapshot(o.xid, s.until) or s.since::text = s.until::text)
                          and o.id <= s.after_id)),
             (select max(id) from outbox), 0)`;
  // The lock prevents relays from publishing meanwhile.
  await tx`update relay set since = '1:1:', until = '1:1:', after_id = 0`;
  await tx`update outbox_trim set trimmed_xid = '0'`;
  await tx`
    update outbox set xid = pg_current_xact_id()
     where xid >= pg_snapshot_xmax(pg_current_snapshot()) and xid <> pg_current_xact_id()`;
};

/** Which messages may be deleted. */
interface Forgettable {
  readonly before: Date;
  /** Whether messages that the relay has not published are kept. */
  readonly publishedOnly: boolean;
  /** Messages that some subscription has not read are kept unless they are older than this. */
  readonly unreadBefore: Date;
  readonly limit: number;
}

/** Deletes the oldest messages; returns how many. */
export const deleteMessages = async (
  db: Sql,
  { before, publishedOnly, unreadBefore, limit }: Forgettable,
): Promise<number> => {
  const [row] = await db<{ deleted: number }>`
    with oldest as (
      select ctid, xid, created_at from outbox order by xid, id limit ${limit}
    ), deleted as (
      delete from outbox
       where ctid = any(array(
         select ctid from oldest
          where created_at < ${before}
            and (not ${publishedOnly}::boolean or pg_visible_in_snapshot(xid, (select since from relay)))
            and (created_at < ${unreadBefore}
                 or not exists (
                   select from subscriptions s where not pg_visible_in_snapshot(oldest.xid, s.since)))))
      returning xid
    ), marked as (
      update outbox_trim set trimmed_xid = greatest(trimmed_xid, (select max(xid) from deleted))
       where exists (select from deleted)
    )
    select count(*)::int as deleted from deleted`;
  return row?.deleted ?? 0;
};
