import type { Sql, Transaction } from '../base/index.ts';
import type { StoredObject } from './lifecycle.ts';
import type { Hashes } from './schema.ts';

/** Adds these objects, except those whose name is taken. */
export const insertObjects = async (tx: Transaction, objects: readonly StoredObject[]): Promise<void> => {
  await tx`
    insert into objects (name, project_id, upload_id, backend_id, expires, upload_expires, hashes)
    select name, project_id, upload_id, backend_id, expires, upload_expires, hashes
      from unnest(
        ${objects.map((object) => object.name)}::text[],
        ${objects.map((object) => object.projectId)}::text[],
        ${objects.map((object) => object.uploadId)}::text[],
        ${objects.map((object) => object.backendId)}::text[],
        ${objects.map((object) => object.expires)}::timestamptz[],
        ${objects.map((object) => object.uploadExpires)}::timestamptz[],
        ${objects.map((object) => JSON.stringify(object.hashes))}::jsonb[]
      ) as given(name, project_id, upload_id, backend_id, expires, upload_expires, hashes)
     order by name collate "C"
    on conflict (name) do nothing`;
};

/** Objects by name. */
export const readObjects = (sql: Sql, names: readonly string[]): Promise<StoredObject[]> =>
  sql<StoredObject>`
    select name, project_id, upload_id, backend_id, expires, upload_expires, hashes
      from objects where name = any(${names}::text[])`;

/**
 * The same, locked until the transaction ends, in the order of their names, so that two batches cannot deadlock.
 */
export const lockObjects = (tx: Transaction, names: readonly string[]): Promise<StoredObject[]> =>
  tx<StoredObject>`
    select name, project_id, upload_id, backend_id, expires, upload_expires, hashes
      from objects where name = any(${names}::text[]) order by name for update`;

export interface ObjectChange {
  readonly name: string;
  readonly hashes: Hashes;
  readonly isFinished: boolean;
}

/** Writes the hashes of these objects, and whether their upload is finished. */
export const changeObjects = async (tx: Transaction, changes: readonly ObjectChange[]): Promise<void> => {
  await tx`
    update objects o
       set hashes = changed.hashes,
           upload_expires = case when changed.is_finished then null else o.upload_expires end
      from unnest(
        ${changes.map((change) => change.name)}::text[],
        ${changes.map((change) => JSON.stringify(change.hashes))}::jsonb[],
        ${changes.map((change) => change.isFinished)}::bool[]
      ) as changed(name, hashes, is_finished)
     where o.name = any(array[changed.name])`;
};

/**
 * Expired objects and uploads that were never finished, of a backend, the oldest first, locked for their deletion.
 */
export const lockExpired = (
  tx: Transaction,
  { backendId, now, limit }: { backendId: string; now: Date; limit: number },
): Promise<{ name: string }[]> =>
  tx<{ name: string }>`
    select name from objects
     where (expires < ${now} or upload_expires < ${now}) and backend_id = ${backendId}
     order by expires limit ${limit} for update skip locked`;

/**
 * From this time on these objects count as expired; a time that is earlier stays. PostgreSQL 15 would take the index of the
 * times for the better one.
 */
export const expireObjects = async (tx: Transaction, names: readonly string[], when: Date): Promise<void> => {
  await tx`
    update objects set expires = ${when}
     where name = any(${names}::text[]) and (expires > ${when}) is true`;
};

export const deleteObjects = async (tx: Transaction, names: readonly string[]): Promise<void> => {
  await tx`delete from objects where name = any(${names}::text[])`;
};
