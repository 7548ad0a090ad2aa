import { afterAnyWait, type Sql, type Transaction } from '../../base/index.ts';
import type { Transition } from '../lifecycle.ts';
import type { WorkerRef, WorkerRow } from './workers.ts';

// The later part of a worker's life: looked at, told to go, gone.

/** A worker that is to end; with `judged`, only if it is still as it was when that was decided. */
export interface WorkerToMove extends WorkerRef {
  readonly judged?: Pick<WorkerRow, 'state' | 'terminateAfter'> | undefined;
}

/**
 * Moves these workers, those that the move may take, to their end; returns them. No secret of theirs holds from then on.
 * A worker that has registered since it was judged stays.
 */
export const moveToEnd = (tx: Transaction, refs: readonly WorkerToMove[], move: Transition, now: Date) =>
  tx<WorkerRow>`
    update managed_workers w
       set state = ${move.to}, secret_digest = null, previous_secret_digest = null, static_secret_digest = null,
           end_ordered = null, last_modified = ${now}
      from unnest(${refs.map((ref) => ref.workerPoolId)}::text[], ${refs.map((ref) => ref.workerGroup)}::text[],
                  ${refs.map((ref) => ref.workerId)}::text[], ${refs.map((ref) => ref.judged?.state ?? null)}::text[],
                  ${refs.map((ref) => ref.judged?.terminateAfter ?? null)}::timestamptz[])
             as wanted(worker_pool_id, worker_group, worker_id, state, terminate_after)
     where w.worker_pool_id = any(array[wanted.worker_pool_id]) and w.worker_group = any(array[wanted.worker_group])
       and w.worker_id = any(array[wanted.worker_id]) and w.state = any(${[...move.from]}::text[])
       and (wanted.state is null
            or (w.state = wanted.state and w.terminate_after is not distinct from wanted.terminate_after))
    returning w.worker_pool_id, w.worker_group, w.worker_id, w.provider_id, w.launch_config_id, w.state, w.capacity,
              w.created, w.expires, w.last_modified, w.last_checked, w.terminate_after, w.static_secret_digest,
              w.secret_digest, w.facts, w.should_terminate, w.terminate_reason`;

export interface WorkerToEndRow extends WorkerRef {
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Takes workers that are to end and whose provider was not told so, or before `again` and they are still there. */
export const takeWorkersToEnd = (
  sql: Sql,
  { now, again, providerId, limit }: { now: Date; again: Date; providerId: string; limit: number },
) =>
  sql<WorkerToEndRow>`
    update managed_workers set end_ordered = ${now}
     where ctid = any(array(
             select ctid from managed_workers
              where state <> 'stopped' and provider_id = ${providerId} and state = 'stopping'
                and (end_ordered is null or end_ordered <= ${again} or end_ordered > ${afterAnyWait(now)})
              order by worker_pool_id, worker_group, worker_id limit ${limit} for update skip locked))
    returning worker_pool_id, worker_group, worker_id, facts`;

/** All workers of a provider that are not stopped. */
export const aliveWorkersOfProvider = (sql: Sql, providerId: string) =>
  sql<WorkerRow>`
    select worker_pool_id, worker_group, worker_id, provider_id, launch_config_id, state, capacity, created,
           expires, last_modified, last_checked, terminate_after, static_secret_digest, secret_digest, facts,
           should_terminate, terminate_reason
      from managed_workers where state <> 'stopped' and provider_id = ${providerId}`;

/** Which of these workers are known and not stopped. */
export const knownAlive = (sql: Sql, refs: readonly WorkerRef[]) =>
  sql<WorkerRef>`
    select wanted.worker_pool_id, wanted.worker_group, wanted.worker_id
      from unnest(${refs.map((ref) => ref.workerPoolId)}::text[], ${refs.map((ref) => ref.workerGroup)}::text[],
                  ${refs.map((ref) => ref.workerId)}::text[]) as wanted(worker_pool_id, worker_group, worker_id)
     where exists (
       select from managed_workers w
        where w.worker_pool_id = wanted.worker_pool_id and w.worker_group = wanted.worker_group
          and w.worker_id = wanted.worker_id and w.state <> 'stopped'
       offset 0)`;

export interface Looked extends WorkerRef {
  /** Null leaves what is kept. */
  readonly facts: Readonly<Record<string, unknown>> | null;
}

/** Notes that these workers were looked at and are there; their records last on. */
export const touchWorkers = (
  tx: Transaction,
  workers: readonly Looked[],
  { now, soon, expires }: { now: Date; soon: Date; expires: Date },
) =>
  tx<never>`
    update managed_workers w
       set last_checked = ${now}, facts = coalesce(given.facts, w.facts),
           expires = case when w.expires < ${soon} then ${expires}::timestamptz else w.expires end
      from unnest(
        ${workers.map((worker) => worker.workerPoolId)}::text[],
        ${workers.map((worker) => worker.workerGroup)}::text[], ${workers.map((worker) => worker.workerId)}::text[],
        ${workers.map((worker) => (worker.facts === null ? null : JSON.stringify(worker.facts)))}::jsonb[]
      ) as given(worker_pool_id, worker_group, worker_id, facts)
     where w.worker_pool_id = any(array[given.worker_pool_id]) and w.worker_group = any(array[given.worker_group])
       and w.worker_id = any(array[given.worker_id]) and w.state is distinct from 'stopped'`;

/** Records that these workers end, or ended, although we did not order it. */
export const noteInterrupted = (tx: Transaction, refs: readonly WorkerRef[], now: Date) =>
  tx<never>`
    update managed_workers w set is_interrupted = true, end_ordered = coalesce(w.end_ordered, ${now})
      from unnest(${refs.map((ref) => ref.workerPoolId)}::text[], ${refs.map((ref) => ref.workerGroup)}::text[],
                  ${refs.map((ref) => ref.workerId)}::text[]) as wanted(worker_pool_id, worker_group, worker_id)
     where w.worker_pool_id = any(array[wanted.worker_pool_id]) and w.worker_group = any(array[wanted.worker_group])
       and w.worker_id = any(array[wanted.worker_id])`;

/** Workers of these providers whose time is over. */
export const overdueWorkers = (sql: Sql, providerIds: readonly string[], now: Date, limit: number) =>
  sql<WorkerRow>`
    select worker_pool_id, worker_group, worker_id, provider_id, launch_config_id, state, capacity, created,
           expires, last_modified, last_checked, terminate_after, static_secret_digest, secret_digest, facts,
           should_terminate, terminate_reason
      from managed_workers
     where state <> 'stopped' and provider_id = any(${providerIds}::text[]) and state in ('requested', 'running')
       and terminate_after <= ${now}
     order by worker_pool_id, worker_group, worker_id limit ${limit}`;

/** Which of these workers run still; their rows are locked until the transaction ends. */
export const lockRunning = (tx: Transaction, refs: readonly WorkerRef[]) =>
  tx<WorkerRef>`
    select w.worker_pool_id, w.worker_group, w.worker_id
      from (select worker_pool_id, worker_group, worker_id
              from unnest(${refs.map((ref) => ref.workerPoolId)}::text[], ${refs.map((ref) => ref.workerGroup)}::text[],
                          ${refs.map((ref) => ref.workerId)}::text[]) as given(worker_pool_id, worker_group, worker_id)
             order by worker_pool_id collate "C", worker_group collate "C", worker_id collate "C") as wanted
     cross join lateral (
       select worker_pool_id, worker_group, worker_id from managed_workers
        where worker_pool_id = wanted.worker_pool_id and worker_group = wanted.worker_group
          and worker_id = wanted.worker_id and state = 'running'
          for update) as w`;

export interface QuietCandidate extends WorkerRef {
  readonly providerId: string;
  readonly registered: Date;
  /** JSON of the pool. */
  readonly config: string;
}

/** Running workers of these providers that registered before a time. */
export const registeredBefore = (sql: Sql, providerIds: readonly string[], before: Date) =>
  sql<QuietCandidate>`
    select w.worker_pool_id, w.worker_group, w.worker_id, w.provider_id, w.registered, p.config
      from managed_workers w
     cross join lateral (select config from worker_pools where worker_pool_id = w.worker_pool_id offset 0) as p
     where w.state <> 'stopped' and w.provider_id = any(${providerIds}::text[]) and w.state = 'running'
       and w.registered < ${before}`;

/** A worker that gets no more work, though its last credentials would hold for longer. */
export interface EndedWorker extends WorkerRef {
  readonly providerId: string;
  /** Its record has expired, and it was not ended otherwise. */
  readonly isExpired: boolean;
}

/** Workers that have ended, or are about to, since a time, and all whose record has expired. */
export const endedWorkers = (sql: Sql, { now, since }: { now: Date; since: Date }) =>
  sql<EndedWorker>`
    select worker_pool_id, worker_group, worker_id, provider_id, false as is_expired from managed_workers
     where state in ('stopping', 'stopped') and last_modified >= ${since} and terminate_after > ${now}
     union all
    select worker_pool_id, worker_group, worker_id, provider_id, true as is_expired from managed_workers
     where expires <= ${now} and state in ('requested', 'running') and terminate_after > ${now}`;

/** Workers that end after their last task. */
export const drainingWorkers = (sql: Sql) =>
  sql<WorkerRef>`
    select worker_pool_id, worker_group, worker_id from managed_workers where is_draining and state <> 'stopped'`;

/** How many workers of each pool have ended since a time that had lived for less than a while, by our own doing. */
export const countShortLives = (
  sql: Sql,
  { since, livedMsMax }: { readonly since: Date; readonly livedMsMax: number },
) =>
  sql<{ workerPoolId: string; count: number }>`
    select worker_pool_id, count(*)::int as count
      from managed_workers
     where state in ('stopping', 'stopped') and last_modified >= ${since} and registered is not null
       and not is_interrupted
       and extract(epoch from last_modified - created) * 1000 < ${livedMsMax}
     group by worker_pool_id`;
