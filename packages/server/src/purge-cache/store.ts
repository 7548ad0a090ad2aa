import type { Sql, Transaction } from '../base/index.ts';

/** A request to purge caches with this name that workers of the pool created before a time. */
export interface PurgeRequest {
  readonly workerPoolId: string;
  readonly cacheName: string;
  readonly before: Date;
}

/** Adds requests, each for another cache. An existing one moves to a later time, never to an earlier one. */
export const upsertRequests = async (
  tx: Transaction,
  requests: readonly Omit<PurgeRequest, 'before'>[],
  { before, expires }: { before: Date; expires: Date },
): Promise<void> => {
  await tx`
    insert into purge_requests as old (worker_pool_id, cache_name, before, expires)
    select worker_pool_id, cache_name, ${before}, ${expires}
      from unnest(${requests.map(({ workerPoolId }) => workerPoolId)}::text[],
                  ${requests.map(({ cacheName }) => cacheName)}::text[]) as given(worker_pool_id, cache_name)
     order by worker_pool_id collate "C", cache_name collate "C"
    on conflict (worker_pool_id, cache_name) do update
       set before = greatest(old.before, excluded.before), expires = greatest(old.expires, excluded.expires)`;
};

/** The open requests of some pools. PostgreSQL 15 would take the index of their times for the better one. */
export const readRequestsOf = (
  db: Sql,
  workerPoolIds: readonly string[],
  now: Date,
): Promise<PurgeRequest[]> =>
  db<PurgeRequest>`
    select worker_pool_id, cache_name, before
      from purge_requests
     where worker_pool_id = any(${[...workerPoolIds]}::text[]) and (expires > ${now}) is true
     order by worker_pool_id, cache_name`;

/** Open requests after this one, by pool and name. */
export const listRequests = (
  db: Sql,
  after: { workerPoolId: string; cacheName: string; now: Date; limit: number },
): Promise<PurgeRequest[]> =>
  db<PurgeRequest>`
    select worker_pool_id, cache_name, before
      from purge_requests
     where (worker_pool_id, cache_name) > (${after.workerPoolId}::text, ${after.cacheName}::text)
       and expires > ${after.now}
     order by worker_pool_id, cache_name limit ${after.limit}`;

/** Deletes requests that have expired, the oldest first; returns how many. */
export const deleteExpired = async (db: Sql, now: Date, limit: number): Promise<number> => {
  const rows = await db`
    delete from purge_requests where ctid = any(array(
      select ctid from purge_requests where expires <= ${now} order by expires limit ${limit} for update skip locked))
    returning true as deleted`;
  return rows.length;
};
