import type { Sql, Transaction } from '../base/index.ts';
import type { Entry, Namespace, Place } from './lifecycle.ts';

const namespaces = (places: readonly Place[]) => places.map(({ namespace }) => namespace);
const names = (places: readonly { readonly name: string }[]) => places.map(({ name }) => name);

/** Adds entries, each at another path; one that has a higher rank and has not expired stays. */
export const upsertEntries = async (tx: Transaction, entries: readonly Entry[], now: Date): Promise<void> => {
  await tx`
    insert into indexed_tasks as old (namespace, name, task_id, rank, expires, data)
    select namespace, name, task_id, rank, expires, data
      from unnest(
        ${namespaces(entries)}::text[], ${names(entries)}::text[],
        ${entries.map(({ taskId }) => taskId)}::text[],
        ${entries.map(({ rank }) => rank)}::bigint[],
        ${entries.map(({ expires }) => expires)}::timestamptz[],
        ${entries.map(({ data }) => data)}::text[]
      ) as given(namespace, name, task_id, rank, expires, data)
     order by namespace collate "C", name collate "C"
    on conflict (namespace, name) do update
       set task_id = excluded.task_id, rank = excluded.rank, expires = excluded.expires, data = excluded.data
     where excluded.rank >= old.rank or old.expires <= ${now}`;
};

/** Adds namespaces, each once, or extends their expiry. One that lasts long enough is not locked. */
export const extendNamespaces = async (tx: Transaction, given: readonly Namespace[]): Promise<void> => {
  await tx`
    insert into index_namespaces as old (parent, name, expires)
    select parent, name, expires
      from unnest(
        ${given.map(({ parent }) => parent)}::text[], ${names(given)}::text[],
        ${given.map(({ expires }) => expires)}::timestamptz[]
      ) as needed(parent, name, expires)
     where not exists (
       select from (
         select n.expires from index_namespaces n where n.parent = needed.parent and n.name = needed.name offset 0) there
        where there.expires >= needed.expires offset 0)
     order by parent collate "C", name collate "C"
    on conflict (parent, name) do update set expires = excluded.expires where excluded.expires > old.expires`;
};

/** Limits a lookup. */
interface Wanted {
  /** Only entries that expire later than this. */
  readonly after: Date;
  readonly limit: number;
}

/** The entries at these places, in the order of the places. */
export const readEntries = (sql: Sql, places: readonly Place[], { after, limit }: Wanted): Promise<Entry[]> =>
  sql<Entry>`
    select t.namespace, t.name, t.task_id, t.rank, t.expires, t.data
      from unnest(${namespaces(places)}::text[], ${names(places)}::text[])
             with ordinality as wanted(namespace, name, turn)
     cross join lateral (
       select namespace, name, task_id, rank, expires, data from indexed_tasks
        where namespace = wanted.namespace and name = wanted.name
       offset 0) as t
     where t.expires > ${after}
     order by wanted.turn limit ${limit}`;

/** A page of a namespace. */
interface Part extends Wanted {
  readonly namespace: string;
  readonly afterName: string;
}

/** The tasks of a namespace, by name. */
export const listEntries = (sql: Sql, { namespace, afterName, after, limit }: Part): Promise<Entry[]> =>
  sql<Entry>`
    select namespace, name, task_id, rank, expires, data
      from indexed_tasks
     where namespace = ${namespace} and name > ${afterName} and expires > ${after}
     order by name limit ${limit}`;

/** The namespaces within a namespace, by name. */
export const listNamespaces = (
  sql: Sql,
  { namespace, afterName, after, limit }: Part,
): Promise<Namespace[]> =>
  sql<Namespace>`
    select parent, name, expires
      from index_namespaces
     where parent = ${namespace} and name > ${afterName} and expires > ${after}
     order by name limit ${limit}`;

export const deleteEntries = async (tx: Transaction, places: readonly Place[]): Promise<void> => {
  await tx`
    with gone as (
      select namespace, name
        from unnest(${namespaces(places)}::text[], ${names(places)}::text[]) as g(namespace, name))
    delete from indexed_tasks t using gone
     where t.namespace = any(array[gone.namespace]) and t.name = any(array[gone.name])`;
};

/** Deletes entries that have expired, the oldest first; returns how many. */
export const deleteExpiredEntries = async (sql: Sql, now: Date, limit: number): Promise<number> => {
  const rows = await sql`
    delete from indexed_tasks where ctid = any(array(
      select ctid from indexed_tasks where expires <= ${now} order by expires limit ${limit} for update skip locked))
    returning true as deleted`;
  return rows.length;
};

/** Deletes namespaces that have expired, the oldest first; returns how many. */
export const deleteExpiredNamespaces = async (sql: Sql, now: Date, limit: number): Promise<number> => {
  const rows = await sql`
    delete from index_namespaces where ctid = any(array(
      select ctid from index_namespaces where expires <= ${now} order by expires limit ${limit} for update skip locked))
    returning true as deleted`;
  return rows.length;
};
