import { afterAnyWait, type Sql, type Transaction } from '../../base/index.ts';
import type { PoolRow } from './pools.ts';
import type { WorkerRef } from './workers.ts';

/** Pools that one of these providers starts workers of, or did and still has some; of all, or of these. */
export const poolsToProvision = (
  sql: Sql,
  { providerIds, workerPoolIds }: { providerIds: readonly string[]; workerPoolIds: readonly string[] | null },
) =>
  sql<PoolRow>`
    select worker_pool_id, provider_id, previous_provider_ids, description, config, owner, email_on_error, created,
           last_modified, paused, pause_reason
      from worker_pools
     where (provider_id = any(${providerIds}::text[]) or previous_provider_ids && ${providerIds}::text[])
       and (${workerPoolIds}::text[] is null or worker_pool_id = any(${workerPoolIds}::text[]))
     order by worker_pool_id`;

/** Pools whose provider is none of these. */
export const poolsOfOtherProviders = (sql: Sql, providerIds: readonly string[]) =>
  sql<PoolRow>`
    select worker_pool_id, provider_id, previous_provider_ids, description, config, owner, email_on_error, created,
           last_modified, paused, pause_reason
      from worker_pools
     where provider_id <> all(${providerIds}::text[])
     order by worker_pool_id`;

/**
 * Takes rounds that are due or wanted at once: at most this many of these names, each put off until `until`, so that no
 * other process takes them before. A round that was never run is due.
 */
export const takeRounds = async (
  tx: Transaction,
  names: readonly string[],
  wanted: { isAtOnce: boolean; now: Date; until: Date; limit: number },
): Promise<string[]> => {
  await tx`
    insert into provisioning_rounds (name, due_at)
    select name, ${wanted.now}::timestamptz from unnest(${names}::text[]) as given(name) order by name collate "C"
    on conflict (name) do nothing`;
  const rows = await tx<{ name: string }>`
    update provisioning_rounds set due_at = ${wanted.until}
     where ctid = any(array(select ctid from provisioning_rounds
                     where name = any(${names}::text[])
                       and (${wanted.isAtOnce} or due_at <= ${wanted.now} or due_at > ${afterAnyWait(wanted.until)})
                     order by name limit ${wanted.limit} for update skip locked))
    returning name`;
  return rows.map(({ name }) => name);
};

/** Says when a round is to run again, if it is still ours. */
export const endRound = (sql: Sql, name: string, { lease, due }: { lease: Date; due: Date }) =>
  sql<never>`update provisioning_rounds set due_at = ${due} where name = ${name} and due_at = ${lease}`;

/** Deletes rounds that no process has taken for long: those of deleted pools. */
export const deleteOldRounds = async (sql: Sql, before: Date, limit: number): Promise<number> => {
  const rows = await sql`
    delete from provisioning_rounds
     where ctid = any(array(
       select ctid from provisioning_rounds where due_at < ${before} order by due_at limit ${limit}
          for update skip locked))
    returning name`;
  return rows.length;
};

/** The figures of a pool, as its last round found them. */
export interface PoolFigures {
  readonly workerPoolId: string;
  readonly wanted: number;
  readonly idle: number;
  readonly usdPerHour: number;
}

/** Keeps the figures of pools, by the names of their rounds. */
export const writeFigures = (tx: Transaction, figures: readonly (PoolFigures & { name: string })[]) =>
  tx<never>`
    update provisioning_rounds r
       set wanted_capacity = given.wanted, idle_capacity = given.idle, usd_per_hour = given.usd_per_hour
      from unnest(${figures.map((each) => each.name)}::text[], ${figures.map((each) => each.wanted)}::int[],
                  ${figures.map((each) => each.idle)}::int[], ${figures.map((each) => each.usdPerHour)}::float8[])
             as given(name, wanted, idle, usd_per_hour)
     where r.name = any(array[given.name])
       and (r.wanted_capacity, r.idle_capacity, r.usd_per_hour)
           is distinct from (given.wanted, given.idle, given.usd_per_hour)`;

/** The figures of all pools that are decided about. */
export const readFigures = (sql: Sql) =>
  sql<PoolFigures>`
    select p.worker_pool_id, r.wanted_capacity as wanted, r.idle_capacity as idle, r.usd_per_hour
      from worker_pools p
     cross join lateral (
       select wanted_capacity, idle_capacity, usd_per_hour from provisioning_rounds
        where name = 'pool:' || p.worker_pool_id and wanted_capacity is not null
       offset 0) as r`;

/** A worker as decisions see it. */
export interface ProvisionedWorker extends WorkerRef {
  readonly providerId: string;
  readonly launchConfigId: string | null;
  readonly state: 'requested' | 'running' | 'stopping';
  readonly capacity: number;
  readonly created: Date;
  readonly registered: Date | null;
  readonly idleSince: Date | null;
  readonly isDraining: boolean;
  readonly shouldTerminate: boolean;
}

/** The workers of some pools that are not stopped. */
export const aliveWorkers = (sql: Sql, workerPoolIds: readonly string[]) =>
  sql<ProvisionedWorker>`
    select worker_pool_id, worker_group, worker_id, provider_id, launch_config_id, state, capacity, created, registered,
           idle_since, is_draining, should_terminate
      from managed_workers
     where state <> 'stopped' and worker_pool_id = any(${workerPoolIds}::text[])`;

/** Recent observations of the workers of one launch config. */
export interface LaunchConfigHistory {
  readonly workerPoolId: string;
  readonly launchConfigId: string;
  readonly bootP50Ms: number;
  readonly bootP95Ms: number;
  readonly interruptionsPerHour: number;
}

/** Boot times and interruptions of the workers of some pools that have registered since a time. */
export const launchConfigHistories = (
  sql: Sql,
  workerPoolIds: readonly string[],
  { since, now }: { since: Date; now: Date },
) =>
  sql<LaunchConfigHistory>`
    select worker_pool_id, launch_config_id,
           1000 * percentile_cont(0.5) within group (order by extract(epoch from registered - created)) as boot_p50_ms,
           1000 * percentile_cont(0.95) within group (order by extract(epoch from registered - created)) as boot_p95_ms,
           count(*) filter (where is_interrupted) * 3600.0
             / greatest(1, sum(extract(epoch from
                 case when state = 'stopped' then last_modified else ${now}::timestamptz end - registered)))::float8
             as interruptions_per_hour
      from managed_workers
     where worker_pool_id = any(${workerPoolIds}::text[]) and registered >= ${since} and launch_config_id is not null
     group by worker_pool_id, launch_config_id`;

/**
 * Errors that launch configs are to blame for since a time, and how often since a later one there was no capacity. In the order
 * of the index of pools: PostgreSQL 15 would take that of the times for the better one.
 */
export const launchConfigErrors = (
  sql: Sql,
  workerPoolIds: readonly string[],
  { since, shortSince }: { since: Date; shortSince: Date },
) =>
  sql<{ workerPoolId: string; launchConfigId: string; count: number; shortages: number }>`
    select pool.worker_pool_id, error.launch_config_id,
           count(*) filter (where error.extra::jsonb ->> 'isPassing' is distinct from 'true')::int as count,
           count(*) filter (where error.extra::jsonb ->> 'isShortage' = 'true' and error.reported >= ${shortSince})::int
             as shortages
      from unnest(${workerPoolIds}::text[]) as pool(worker_pool_id)
     cross join lateral (
       select launch_config_id, extra, reported from worker_pool_errors
        where worker_pool_id = pool.worker_pool_id and reported >= ${since} and launch_config_id is not null
        order by reported desc, error_id offset 0) as error
     group by pool.worker_pool_id, error.launch_config_id`;

export interface Leaving extends WorkerRef {
  readonly shouldTerminate: boolean;
  readonly reason: string;
}

/**
 * Writes the reply that workers get when they ask whether they should end. One that drains has heard that it should, from a
 * decision of another process perhaps: that is not taken back.
 */
export const writeLeaving = (tx: Transaction, workers: readonly Leaving[]) =>
  tx<never>`
    update managed_workers w set should_terminate = given.should_terminate, terminate_reason = given.reason
      from unnest(
        ${workers.map((worker) => worker.workerPoolId)}::text[],
        ${workers.map((worker) => worker.workerGroup)}::text[], ${workers.map((worker) => worker.workerId)}::text[],
        ${workers.map((worker) => worker.shouldTerminate)}::boolean[],
        ${workers.map((worker) => worker.reason)}::text[]
      ) as given(worker_pool_id, worker_group, worker_id, should_terminate, reason)
     where w.worker_pool_id = any(array[given.worker_pool_id]) and w.worker_group = any(array[given.worker_group])
       and w.worker_id = any(array[given.worker_id])
       and (given.should_terminate or not w.is_draining)`;

/** Writes which workers get no more tasks. One that was told to end takes none again, whatever was decided before. */
export const writeDraining = (sql: Sql, workers: readonly (WorkerRef & { isDraining: boolean })[]) =>
  sql<never>`
    update managed_workers w set is_draining = given.is_draining
      from unnest(
        ${workers.map((worker) => worker.workerPoolId)}::text[],
        ${workers.map((worker) => worker.workerGroup)}::text[], ${workers.map((worker) => worker.workerId)}::text[],
        ${workers.map((worker) => worker.isDraining)}::boolean[]
      ) as given(worker_pool_id, worker_group, worker_id, is_draining)
     where w.worker_pool_id = any(array[given.worker_pool_id]) and w.worker_group = any(array[given.worker_group])
       and w.worker_id = any(array[given.worker_id])
       and (given.is_draining or not w.should_terminate)`;

/** Tells a worker that should end that it gets no more tasks; returns whether it should. */
export const drainLeaving = async (
  sql: Sql,
  { workerPoolId, workerGroup, workerId }: WorkerRef,
): Promise<boolean> => {
  const rows = await sql`
    update managed_workers set is_draining = true
     where worker_pool_id = ${workerPoolId} and worker_group = ${workerGroup} and worker_id = ${workerId}
       and should_terminate
    returning worker_id`;
  return rows.length > 0;
};

/** Writes since when workers have nothing to do. */
export const writeIdle = (tx: Transaction, workers: readonly (WorkerRef & { idleSince: Date | null })[]) =>
  tx<never>`
    update managed_workers w set idle_since = given.idle_since
      from unnest(
        ${workers.map((worker) => worker.workerPoolId)}::text[],
        ${workers.map((worker) => worker.workerGroup)}::text[], ${workers.map((worker) => worker.workerId)}::text[],
        ${workers.map((worker) => worker.idleSince)}::timestamptz[]
      ) as given(worker_pool_id, worker_group, worker_id, idle_since)
     where w.worker_pool_id = any(array[given.worker_pool_id]) and w.worker_group = any(array[given.worker_group])
       and w.worker_id = any(array[given.worker_id])`;

export interface TaskTimes {
  readonly workerPoolId: string;
  readonly tasks: number;
  readonly meanMs: number;
}

/** Adds the durations of tasks of some pools to the known ones, of which at most this many tasks count. */
export const addTaskTimes = (tx: Transaction, times: readonly TaskTimes[], tasksMax: number) =>
  tx<never>`
    insert into pool_task_times as known (worker_pool_id, tasks, mean_ms)
    select worker_pool_id, tasks, mean_ms
      from unnest(${times.map((time) => time.workerPoolId)}::text[], ${times.map((time) => time.tasks)}::float8[],
                  ${times.map((time) => time.meanMs)}::float8[]) as given(worker_pool_id, tasks, mean_ms)
     order by worker_pool_id collate "C"
        on conflict (worker_pool_id) do update
       set tasks = least(known.tasks, ${tasksMax}) + excluded.tasks,
           mean_ms = (least(known.tasks, ${tasksMax}) * known.mean_ms + excluded.tasks * excluded.mean_ms)
                     / (least(known.tasks, ${tasksMax}) + excluded.tasks)`;

export const taskTimes = (sql: Sql, workerPoolIds: readonly string[]) =>
  sql<TaskTimes>`
    select worker_pool_id, tasks, mean_ms from pool_task_times where worker_pool_id = any(${workerPoolIds}::text[])`;

/** Forgets how long the tasks of pools took that are no more. */
export const deleteTaskTimes = (tx: Transaction, workerPoolIds: readonly string[]) =>
  tx<never>`delete from pool_task_times where worker_pool_id = any(${workerPoolIds}::text[])`;

export interface Thing {
  readonly name: string;
  /** JSON */
  readonly value: string;
  readonly until: Date;
}

/** What a provider remembers. */
export const readMemory = (sql: Sql, providerId: string, now: Date) =>
  sql<Thing>`
    select name, value, until
      from (select name, value, until from provider_memory where provider_id = ${providerId} offset 0) as known
     where until > ${now}`;

export const writeMemory = (sql: Sql, providerId: string, things: readonly Thing[]) =>
  sql<never>`
    insert into provider_memory (provider_id, name, value, until)
    select ${providerId}, name, value, until
      from unnest(${things.map((thing) => thing.name)}::text[], ${things.map((thing) => thing.value)}::text[],
                  ${things.map((thing) => thing.until)}::timestamptz[]) as given(name, value, until)
     order by name collate "C"
        on conflict (provider_id, name) do update set value = excluded.value, until = excluded.until`;

export const forgetMemory = (sql: Sql, providerId: string, names: readonly string[]) =>
  sql<never>`delete from provider_memory where provider_id = ${providerId} and name = any(${names}::text[])`;

export const deleteOldMemory = async (sql: Sql, now: Date, limit: number): Promise<number> => {
  const rows = await sql`
    delete from provider_memory
     where ctid = any(array(
       select ctid from provider_memory where until <= ${now} order by until limit ${limit} for update skip locked))
    returning name`;
  return rows.length;
};
