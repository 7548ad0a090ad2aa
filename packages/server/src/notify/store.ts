import { afterAnyWait, type Sql, type Transaction } from '../base/index.ts';
import type { Notification } from './lifecycle.ts';
import type { NotificationAddress, NotificationType } from './schema.ts';

type Address = Pick<Notification, 'type' | 'address'>;

/** Adds addresses to the denylist; existing ones stay. */
export const denyAddresses = async (tx: Sql, addresses: readonly Address[]): Promise<void> => {
  await tx`
    insert into denied_addresses (type, address)
    select type, address
      from unnest(${addresses.map(({ type }) => type)}::text[],
                  ${addresses.map(({ address }) => address)}::text[]) as given(type, address)
     order by type collate "C", address collate "C"
    on conflict do nothing`;
};

/** Takes addresses off the denylist. */
export const allowAddresses = async (tx: Sql, addresses: readonly Address[]): Promise<void> => {
  await tx`
    with given as (
      select type, address
        from unnest(${addresses.map(({ type }) => type)}::text[],
                    ${addresses.map(({ address }) => address)}::text[]) as g(type, address))
    delete from denied_addresses d using given
     where d.type = any(array[given.type]) and d.address = any(array[given.address])`;
};

/** Which of these addresses are on the denylist. */
export const deniedAmong = (tx: Sql, addresses: readonly Address[]): Promise<Address[]> =>
  tx<Address>`
    select d.type, d.address
      from unnest(${addresses.map(({ type }) => type)}::text[],
                  ${addresses.map(({ address }) => address)}::text[]) as given(type, address)
     cross join lateral (
       select type, address from denied_addresses where type = given.type and address = given.address offset 0) as d`;

/** Denied addresses in order, after one of them. */
export const deniedAfter = (
  db: Sql,
  after: { readonly type: string; readonly address: string },
  limit: number,
): Promise<NotificationAddress[]> =>
  db<NotificationAddress>`
    select type as notification_type, address as notification_address
      from denied_addresses
     where (type, address) > (${after.type}, ${after.address})
     order by type, address
     limit ${limit}`;

/** The last minutes. What was accepted long after them was so before the clock was set back. */
export interface Lately {
  readonly after: Date;
  readonly until: Date;
}

/** Which of these messages were accepted lately. PostgreSQL 15 would take the index of their times for the better one. */
export const recentAmong = async (
  tx: Sql,
  digests: readonly string[],
  { after, until }: Lately,
): Promise<string[]> => {
  const rows = await tx<{ digest: string }>`
    select digest from recent_notifications
     where digest = any(${digests}::text[]) and (accepted_at > ${after} and accepted_at <= ${until}) is true`;
  return rows.map(({ digest }) => digest);
};

/** How many mails each of these addresses got lately; those that got none are left out. */
export const countRecentMails = (
  tx: Sql,
  addresses: readonly string[],
  { after, until }: Lately,
): Promise<{ address: string; count: number }[]> =>
  tx<{ address: string; count: number }>`
    select address, count(*)::int as count
      from recent_notifications
     where type = 'email' and address = any(${addresses}::text[])
       and accepted_at > ${after} and accepted_at <= ${until}
     group by address`;

/** Remembers these messages as accepted now; returns those that no other transaction has accepted lately. */
export const rememberRecent = async (
  tx: Transaction,
  notifications: readonly Notification[],
  { now, after, until }: Lately & { readonly now: Date },
): Promise<string[]> => {
  const rows = await tx<{ digest: string }>`
    insert into recent_notifications as r (digest, type, address, accepted_at)
    select digest, type, address, ${now}
      from unnest(${notifications.map(({ digest }) => digest)}::text[],
                  ${notifications.map(({ type }) => type)}::text[],
                  ${notifications.map(({ address }) => address)}::text[]) as given(digest, type, address)
     order by digest collate "C"
    on conflict (digest) do update set accepted_at = excluded.accepted_at
     where r.accepted_at <= ${after} or r.accepted_at > ${until}
    returning digest`;
  return rows.map(({ digest }) => digest);
};

/** Forgets messages that were not sent after all: they may be tried again, and do not count against limits. */
export const forgetRecent = async (tx: Sql, digests: readonly string[]): Promise<void> => {
  await tx`delete from recent_notifications where digest = any(${digests}::text[])`;
};

/** Forgets the oldest of the messages that were accepted before a time; returns how many. */
export const forgetRecentBefore = async (db: Sql, before: Date, limit: number): Promise<number> => {
  const rows = await db<{ digest: string }>`
    delete from recent_notifications
     where digest = any(array(
       select digest from recent_notifications where accepted_at <= ${before}
        order by accepted_at limit ${limit} for update skip locked))
    returning digest`;
  return rows.length;
};

/** Adds messages to send, in order. */
export const insertOutgoing = async (
  tx: Transaction,
  notifications: readonly Notification[],
  now: Date,
): Promise<void> => {
  await tx`
    insert into outgoing_notifications (digest, type, address, message, due_at, accepted_at)
    select digest, type, address, message, ${now}::timestamptz, ${now}::timestamptz
      from unnest(${notifications.map(({ digest }) => digest)}::text[],
                  ${notifications.map(({ type }) => type)}::text[],
                  ${notifications.map(({ address }) => address)}::text[],
                  ${notifications.map(({ message }) => JSON.stringify(message))}::text[])
           with ordinality as given(digest, type, address, message, place)
     order by place`;
};

/** A message that waits to be sent. */
export interface OutgoingRow {
  readonly id: number;
  readonly digest: string;
  readonly type: NotificationType;
  readonly address: string;
  /** JSON text. */
  readonly message: string;
  /** Including the one that begins now. */
  readonly attempts: number;
  readonly acceptedAt: Date;
}

/** Which messages are due: none is put off for longer than until `farthest`. */
export interface Due {
  readonly now: Date;
  readonly farthest: Date;
}

/** Whether there is anything to send. Asked every few seconds, so it must be cheap. */
export const isAnyDue = async (sql: Sql, { now, farthest }: Due): Promise<boolean> => {
  const rows = await sql`
    select 1 as one from outgoing_notifications
     where due_at <= ${now} or due_at > ${afterAnyWait(farthest)} limit 1`;
  return rows.length > 0;
};

/**
 * Takes the messages that are due, the oldest first; no other process takes them before `until`. A message that is not a mail
 * waits for the earlier messages to the same address, in all processes: they take messages one after another, so that each
 * sees what the one before has taken.
 */
export const takeOutgoing = async (
  tx: Transaction,
  { now, farthest, until, limit }: Due & { readonly until: Date; readonly limit: number },
): Promise<OutgoingRow[]> => {
  await tx`select pg_advisory_xact_lock(hashtext('notify: take outgoing'))`;
  const rows = await tx<OutgoingRow>`
    update outgoing_notifications
       set attempts = attempts + 1, due_at = ${until}
     where id = any(array(
       select o.id from outgoing_notifications o
        where (o.due_at <= ${now} or o.due_at > ${afterAnyWait(farthest)})
          and (o.type = 'email'
               or not exists (
                 select from (
                   select id, due_at from outgoing_notifications
                    where type = o.type and address = o.address offset 0) earlier
                  where earlier.id < o.id and earlier.due_at > ${now}
                    and earlier.due_at <= ${afterAnyWait(farthest)} offset 0))
        order by o.id limit ${limit} for update of o))
    returning id, digest, type, address, message, attempts, accepted_at`;
  return rows.sort((a, b) => a.id - b.id);
};

/** Removes messages that were sent or given up. */
export const deleteOutgoing = async (tx: Sql, ids: readonly number[]): Promise<void> => {
  await tx`delete from outgoing_notifications where id = any(${ids}::bigint[])`;
};

/** Sets when messages are tried again, and subtracts an attempt that does not count. */
export const postponeOutgoing = async (
  tx: Sql,
  changes: readonly { readonly id: number; readonly dueAt: Date; readonly counts: boolean }[],
): Promise<void> => {
  await tx`
    update outgoing_notifications o
       set due_at = changed.due_at, attempts = o.attempts - case when changed.counts then 0 else 1 end
      from unnest(${changes.map(({ id }) => id)}::bigint[], ${changes.map(({ dueAt }) => dueAt)}::timestamptz[],
                  ${changes.map(({ counts }) => counts)}::boolean[]) as changed(id, due_at, counts)
     where o.id = any(array[changed.id])`;
};
