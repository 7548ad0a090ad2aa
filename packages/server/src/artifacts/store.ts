import type { Sql, Transaction } from '../base/index.ts';
import { type Artifact, type Content, logPrefix } from './lifecycle.ts';

interface Key {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
}
const taskIds = (keys: readonly Key[]) => keys.map((key) => key.taskId);
const runIds = (keys: readonly Key[]) => keys.map((key) => key.runId);
const names = (keys: readonly Key[]) => keys.map((key) => key.name);

/**
 * Adds these artifacts, each with another name, or changes existing ones without harm for readers: a later expiry, another
 * URL of a reference, a link in place of a reference. An unfinished upload keeps its details. Returns the stored artifacts
 * without the refused ones. Those that keep their content have its hash in their details, so it never changes.
 */
export const upsertArtifacts = (
  tx: Transaction,
  artifacts: readonly (Artifact & { readonly content?: Content | undefined })[],
): Promise<Artifact[]> =>
  tx<Artifact>`
    insert into artifacts as old
      (task_id, run_id, name, storage_type, content_type, content_length, details, present, expires, content)
    select task_id, run_id, name, storage_type, content_type, content_length, details, present, expires,
           decode(content, 'base64')
      from unnest(
        ${taskIds(artifacts)}::text[], ${runIds(artifacts)}::int[], ${names(artifacts)}::text[],
        ${artifacts.map((artifact) => artifact.storageType)}::text[],
        ${artifacts.map((artifact) => artifact.contentType)}::text[],
        ${artifacts.map((artifact) => artifact.contentLength)}::bigint[],
        ${artifacts.map((artifact) => artifact.details)}::text[],
        ${artifacts.map((artifact) => artifact.present)}::bool[],
        ${artifacts.map((artifact) => artifact.expires)}::timestamptz[],
        ${artifacts.map(({ content }) => content?.bytes.toString('base64') ?? null)}::text[]
      ) as given(
        task_id, run_id, name, storage_type, content_type, content_length, details, present, expires, content)
     order by task_id collate "C", run_id, name collate "C"
    on conflict (task_id, run_id, name) do update
       set storage_type = excluded.storage_type,
           content_type = excluded.content_type,
           content_length = coalesce(excluded.content_length, old.content_length),
           details = case when excluded.storage_type = 'object' then old.details else excluded.details end,
           present = old.present,
           expires = excluded.expires
     where excluded.expires >= old.expires
       and (excluded.storage_type = 'link' or excluded.content_type = old.content_type)
       and ((excluded.storage_type = old.storage_type
             and (excluded.storage_type in ('reference', 'object') or excluded.details = old.details))
            or (excluded.storage_type = 'link' and old.storage_type = 'reference'))
    returning task_id, run_id, name, storage_type, content_type, content_length, details, present, expires`;

/** Artifacts by key; those that do not exist are left out. */
export const readArtifacts = (sql: Sql, keys: readonly Key[]): Promise<Artifact[]> =>
  sql<Artifact>`
    select found.task_id, found.run_id, found.name, storage_type, content_type, content_length, details, present, expires
      from unnest(${taskIds(keys)}::text[], ${runIds(keys)}::int[], ${names(keys)}::text[])
             as wanted(task_id, run_id, name)
     cross join lateral (
       select a.task_id, a.run_id, a.name, storage_type, content_type, content_length, details, present, expires
         from artifacts a
        where a.task_id = wanted.task_id and a.run_id = wanted.run_id and a.name = wanted.name
       offset 0) as found`;

/** The bytes that an artifact keeps; undefined when it keeps none. */
export const readContent = async (
  sql: Sql,
  { taskId, runId, name }: Key,
): Promise<(Pick<Artifact, 'contentType' | 'details'> & { readonly content: Buffer }) | undefined> => {
  const [found] = await sql<Pick<Artifact, 'contentType' | 'details'> & { readonly content: Buffer }>`
    select content_type, details, content
      from artifacts
     where task_id = ${taskId} and run_id = ${runId} and name = ${name} and content is not null`;
  return found;
};

/** The artifacts of a run by name, those after `after`. */
export const listArtifacts = (
  sql: Sql,
  { taskId, runId, after, limit }: { taskId: string; runId: number; after: string; limit: number },
): Promise<Artifact[]> =>
  sql<Artifact>`
    select task_id, run_id, name, storage_type, content_type, content_length, details, present, expires
      from artifacts
     where task_id = ${taskId} and run_id = ${runId} and name > ${after}
     order by name limit ${limit}`;

/** Makes these artifacts readable. */
export const presentArtifacts = async (tx: Transaction, keys: readonly Key[]): Promise<void> => {
  await tx`
    update artifacts a set present = true
      from unnest(${taskIds(keys)}::text[], ${runIds(keys)}::int[], ${names(keys)}::text[])
             as finished(task_id, run_id, name)
     where a.task_id = any(array[finished.task_id]) and a.run_id = any(array[finished.run_id])
       and a.name = any(array[finished.name])`;
};

/** Artifacts that expired before `before`, the oldest first, locked for their deletion. */
export const lockExpired = (tx: Transaction, before: Date, limit: number): Promise<Artifact[]> =>
  tx<Artifact>`
    select task_id, run_id, name, storage_type, content_type, content_length, details, present, expires
      from artifacts where expires < ${before}
     order by expires limit ${limit} for update skip locked`;

export const deleteArtifacts = async (tx: Transaction, keys: readonly Key[]): Promise<void> => {
  await tx`
    with gone(task_id, run_id, name) as (
      select task_id, run_id, name
        from unnest(${taskIds(keys)}::text[], ${runIds(keys)}::int[], ${names(keys)}::text[])
               as g(task_id, run_id, name))
    delete from artifacts a using gone
     where a.task_id = any(array[gone.task_id]) and a.run_id = any(array[gone.run_id])
       and a.name = any(array[gone.name])`;
};

/** What of a run is kept together, or deleted: its logs, or its other artifacts. */
export interface Part {
  readonly taskId: string;
  readonly runId: number;
  readonly isLog: boolean;
}

/**
 * Lets what has bytes of these parts of runs, logs or others, expire at `when`, if not before. Returns it. The condition
 * on the time is written so that its index is not taken for the better one.
 */
export const expireParts = (tx: Transaction, parts: readonly Part[], when: Date) =>
  tx<Key & { readonly storageType: string }>`
    update artifacts a set expires = ${when}
      from unnest(
             ${parts.map((part) => part.taskId)}::text[], ${parts.map((part) => part.runId)}::int[],
             ${parts.map((part) => part.isLog)}::bool[]) as part(task_id, run_id, is_log)
     where a.task_id = any(array[part.task_id]) and a.run_id = any(array[part.run_id])
       and a.storage_type in ('s3', 'object') and starts_with(a.name, ${logPrefix}) = any(array[part.is_log])
       and (a.expires > ${when}) is true
    returning a.task_id, a.run_id, a.name, a.storage_type`;

/**
 * Makes the artifacts of these tasks expire at `when`, unless they expire earlier. A condition on the time is written so that
 * its index is not taken for the better one, as above.
 */
export const expireTasks = async (tx: Transaction, ids: readonly string[], when: Date): Promise<void> => {
  await tx`
    update artifacts set expires = ${when}
     where task_id = any(${ids}::text[]) and (expires > ${when}) is true`;
};
