import type { Sql, Transaction } from '../../base/index.ts';
import type { WorkerState } from '../schema/index.ts';

/** Names one worker. */
export interface WorkerRef {
  readonly workerPoolId: string;
  readonly workerGroup: string;
  readonly workerId: string;
}

export interface WorkerRow extends WorkerRef {
  readonly providerId: string;
  readonly launchConfigId: string | null;
  readonly state: WorkerState;
  readonly capacity: number;
  readonly created: Date;
  readonly expires: Date;
  readonly lastModified: Date;
  readonly lastChecked: Date;
  readonly terminateAfter: Date | null;
  readonly staticSecretDigest: string | null;
  readonly secretDigest: string | null;
  /** The facts that the provider stores about it. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly shouldTerminate: boolean;
  readonly terminateReason: string;
}

/** A worker with the data that its registration depends on. */
export interface RegisteringWorker extends WorkerRow {
  /** When it registered first. */
  readonly registered: Date | null;
  /** The secret before the present one, and until when it holds as well; null until it has registered again. */
  readonly previousSecretDigest: string | null;
  readonly previousSecretUntil: Date | null;
}

/** A worker that is new to us. */
export type NewWorker = Pick<
  WorkerRow,
  | 'workerPoolId'
  | 'workerGroup'
  | 'workerId'
  | 'providerId'
  | 'launchConfigId'
  | 'state'
  | 'capacity'
  | 'expires'
  | 'terminateAfter'
  | 'staticSecretDigest'
  | 'facts'
>;

/** Adds these workers, except those that are there; returns those that were added. */
export const insertWorkers = (tx: Transaction, workers: readonly NewWorker[], now: Date) =>
  tx<WorkerRow>`
    insert into managed_workers (worker_pool_id, worker_group, worker_id, provider_id, launch_config_id, state,
           capacity, created, expires, last_modified, last_checked, terminate_after, static_secret_digest, facts)
    select worker_pool_id, worker_group, worker_id, provider_id, launch_config_id, state, capacity,
           ${now}::timestamptz, expires, ${now}::timestamptz, ${now}::timestamptz, terminate_after,
           static_secret_digest, facts
      from unnest(
        ${workers.map((worker) => worker.workerPoolId)}::text[],
        ${workers.map((worker) => worker.workerGroup)}::text[],
        ${workers.map((worker) => worker.workerId)}::text[],
        ${workers.map((worker) => worker.providerId)}::text[],
        ${workers.map((worker) => worker.launchConfigId)}::text[],
        ${workers.map((worker) => worker.state)}::text[],
        ${workers.map((worker) => worker.capacity)}::int[],
        ${workers.map((worker) => worker.expires)}::timestamptz[],
        ${workers.map((worker) => worker.terminateAfter)}::timestamptz[],
        ${workers.map((worker) => worker.staticSecretDigest)}::text[],
        ${workers.map((worker) => JSON.stringify(worker.facts))}::jsonb[]
      ) as given(worker_pool_id, worker_group, worker_id, provider_id, launch_config_id, state, capacity, expires,
                 terminate_after, static_secret_digest, facts)
     order by worker_pool_id collate "C", worker_group collate "C", worker_id collate "C"
    on conflict (worker_pool_id, worker_group, worker_id) do nothing
    returning worker_pool_id, worker_group, worker_id, provider_id, launch_config_id, state, capacity, created,
              expires, last_modified, last_checked, terminate_after, static_secret_digest, secret_digest, facts,
              should_terminate, terminate_reason`;

export const findWorker = async (sql: Sql, ref: WorkerRef): Promise<RegisteringWorker | undefined> => {
  const [row] = await sql<RegisteringWorker>`
    select worker_pool_id, worker_group, worker_id, provider_id, launch_config_id, state, capacity, created,
           expires, last_modified, last_checked, terminate_after, static_secret_digest, secret_digest, facts,
           should_terminate, terminate_reason, registered, previous_secret_digest, previous_secret_until
      from managed_workers
     where worker_pool_id = ${ref.workerPoolId} and worker_group = ${ref.workerGroup}
       and worker_id = ${ref.workerId}`;
  return row;
};

/** The same, locked until the transaction ends. */
export const lockWorker = async (tx: Transaction, ref: WorkerRef): Promise<RegisteringWorker | undefined> => {
  const [row] = await tx<RegisteringWorker>`
    select worker_pool_id, worker_group, worker_id, provider_id, launch_config_id, state, capacity, created,
           expires, last_modified, last_checked, terminate_after, static_secret_digest, secret_digest, facts,
           should_terminate, terminate_reason, registered, previous_secret_digest, previous_secret_until
      from managed_workers
     where worker_pool_id = ${ref.workerPoolId} and worker_group = ${ref.workerGroup}
       and worker_id = ${ref.workerId}
       for update`;
  return row;
};

export interface WorkersRange {
  readonly workerPoolId: string;
  readonly afterGroup: string;
  readonly afterId: string;
  readonly workerGroup?: string | undefined;
  readonly launchConfigId?: string | undefined;
  readonly state?: string | undefined;
  readonly limit: number;
}

/** Workers of a pool in the order of group and id. */
export const listWorkers = (sql: Sql, range: WorkersRange) =>
  sql<WorkerRow>`
    select worker_pool_id, worker_group, worker_id, provider_id, launch_config_id, state, capacity, created,
           expires, last_modified, last_checked, terminate_after, static_secret_digest, secret_digest, facts,
           should_terminate, terminate_reason
      from managed_workers
     where worker_pool_id = ${range.workerPoolId}
       and (worker_group, worker_id) > (${range.afterGroup}, ${range.afterId})
       and (${range.workerGroup ?? null}::text is null or worker_group = ${range.workerGroup ?? null})
       and (${range.launchConfigId ?? null}::text is null or launch_config_id = ${range.launchConfigId ?? null})
       and (${range.state ?? null}::text is null or state = ${range.state ?? null})
     order by worker_group, worker_id limit ${range.limit}`;

/** Writes what registering changes. */
export const admitWorker = (
  tx: Transaction,
  worker: Pick<
    RegisteringWorker,
    | keyof WorkerRef
    | 'state'
    | 'secretDigest'
    | 'previousSecretDigest'
    | 'previousSecretUntil'
    | 'terminateAfter'
    | 'facts'
  >,
  now: Date,
) =>
  tx<never>`
    update managed_workers
       set state = ${worker.state}, secret_digest = ${worker.secretDigest},
           previous_secret_digest = ${worker.previousSecretDigest},
           previous_secret_until = ${worker.previousSecretUntil}::timestamptz,
           terminate_after = ${worker.terminateAfter}, facts = ${JSON.stringify(worker.facts)}::jsonb,
           registered = coalesce(registered, ${now}), last_modified = ${now}
     where worker_pool_id = ${worker.workerPoolId} and worker_group = ${worker.workerGroup}
       and worker_id = ${worker.workerId}`;

/** Writes the fields of a static worker that an operator may change. */
export const changeWorker = (
  tx: Transaction,
  worker: Pick<WorkerRow, keyof WorkerRef | 'capacity' | 'expires' | 'staticSecretDigest'>,
  now: Date,
) =>
  tx<never>`
    update managed_workers
       set capacity = ${worker.capacity}, expires = ${worker.expires},
           static_secret_digest = ${worker.staticSecretDigest}, last_modified = ${now}
     where worker_pool_id = ${worker.workerPoolId} and worker_group = ${worker.workerGroup}
       and worker_id = ${worker.workerId}`;

export interface StateCount {
  readonly workerPoolId: string;
  readonly launchConfigId: string | null;
  readonly state: WorkerState;
  readonly count: number;
  readonly capacity: number;
}

/** How many workers these pools have, by launch config and state. */
export const countWorkers = (sql: Sql, workerPoolIds: readonly string[]) =>
  sql<StateCount>`
    select worker_pool_id, launch_config_id, state, count(*)::int as count, sum(capacity) as capacity
      from managed_workers where worker_pool_id = any(${workerPoolIds}::text[])
     group by worker_pool_id, launch_config_id, state`;

/** The workers of all pools that are not stopped, counted by state, with their capacity. */
export const countWorkersOfAll = (sql: Sql) =>
  sql<StateCount>`
    select worker_pool_id, null as launch_config_id, state, count(*)::int as count,
           sum(capacity) as capacity
      from managed_workers where state <> 'stopped'
     group by worker_pool_id, state`;

/** Ends workers whose record has expired; returns them. No secret of theirs holds from then on. */
export const stopExpired = (tx: Transaction, now: Date, limit: number) =>
  tx<WorkerRow>`
    update managed_workers
       set state = 'stopped', secret_digest = null, previous_secret_digest = null, static_secret_digest = null,
           last_modified = ${now}
     where ctid = any(array(
             select ctid from managed_workers
              where expires <= ${now} and state <> 'stopped' order by expires limit ${limit} for update skip locked))
    returning worker_pool_id, worker_group, worker_id, provider_id, launch_config_id, state, capacity, created,
              expires, last_modified, last_checked, terminate_after, static_secret_digest, secret_digest, facts,
              should_terminate, terminate_reason`;

/**
 * Deletes stopped workers whose record has expired, once their credentials do not hold any more: until then it tells that
 * they are to be refused. Returns how many. The ids of those of these providers are kept.
 */
export const deleteExpiredWorkers = async (
  tx: Transaction,
  { now, limit, keepIdsOf }: { now: Date; limit: number; keepIdsOf: readonly string[] },
): Promise<number> => {
  const rows = await tx`
    with gone as (
      delete from managed_workers
       where ctid = any(array(
               select ctid from managed_workers
                where expires <= ${now} and state = 'stopped' and coalesce(terminate_after <= ${now}, true)
                order by expires limit ${limit} for update skip locked))
      returning worker_pool_id, worker_group, worker_id, provider_id
    ), kept as (
      insert into former_workers (worker_pool_id, worker_group, worker_id)
      select worker_pool_id, worker_group, worker_id from gone where provider_id = any(${keepIdsOf}::text[])
       order by worker_pool_id, worker_group, worker_id
      on conflict do nothing
    )
    select worker_id from gone`;
  return rows.length;
};

/** Whether an operator gave this id to a worker whose record has been deleted. */
export const isFormerWorker = async (sql: Sql, ref: WorkerRef): Promise<boolean> => {
  const rows = await sql`
    select worker_id from former_workers
     where worker_pool_id = ${ref.workerPoolId} and worker_group = ${ref.workerGroup}
       and worker_id = ${ref.workerId}`;
  return rows.length > 0;
};

/** The capacity of the running workers of a pool that registered before this one. */
export const capacityBefore = async (
  sql: Sql,
  { workerPoolId, workerGroup, workerId }: WorkerRef,
): Promise<number> => {
  const [row] = await sql<{ capacity: number }>`
    select coalesce(sum(w.capacity), 0) as capacity
      from managed_workers own
     cross join lateral (
       select capacity from managed_workers
        where worker_pool_id = own.worker_pool_id and state = 'running'
          and (registered, worker_group, worker_id) < (own.registered, own.worker_group, own.worker_id)
       offset 0) as w
     where own.worker_pool_id = ${workerPoolId} and own.worker_group = ${workerGroup}
       and own.worker_id = ${workerId}`;
  return row?.capacity ?? 0;
};
