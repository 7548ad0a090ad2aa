import type { Sql, Transaction } from '../../base/index.ts';

export interface PoolRow {
  readonly workerPoolId: string;
  readonly providerId: string;
  readonly previousProviderIds: readonly string[];
  readonly description: string;
  /** JSON, without launch configs. */
  readonly config: string;
  readonly owner: string;
  readonly emailOnError: boolean;
  readonly created: Date;
  readonly lastModified: Date;
  /** Since when nothing new is started for it. */
  readonly paused: Date | null;
  readonly pauseReason: string | null;
}

/** Adds a pool, unless there is one of that id; returns whether it did. */
export const insertPool = async (
  tx: Transaction,
  pool: Omit<PoolRow, 'paused' | 'pauseReason'>,
): Promise<boolean> => {
  const rows = await tx`
    insert into worker_pools (worker_pool_id, provider_id, description, config, owner, email_on_error, created,
           last_modified)
    values (${pool.workerPoolId}, ${pool.providerId}, ${pool.description}, ${pool.config}, ${pool.owner},
           ${pool.emailOnError}, ${pool.created}, ${pool.lastModified})
    on conflict (worker_pool_id) do nothing
    returning worker_pool_id`;
  return rows.length > 0;
};

export const findPool = async (sql: Sql, workerPoolId: string): Promise<PoolRow | undefined> => {
  const [row] = await sql<PoolRow>`
    select worker_pool_id, provider_id, previous_provider_ids, description, config, owner, email_on_error, created,
           last_modified, paused, pause_reason
      from worker_pools where worker_pool_id = ${workerPoolId}`;
  return row;
};

/** Those of these pools that there are. */
export const findPools = (sql: Sql, workerPoolIds: readonly string[]) =>
  sql<PoolRow>`
    select worker_pool_id, provider_id, previous_provider_ids, description, config, owner, email_on_error, created,
           last_modified, paused, pause_reason
      from worker_pools where worker_pool_id = any(${workerPoolIds}::text[])`;

/** One of them, locked until the transaction ends. */
export const lockPool = async (tx: Transaction, workerPoolId: string): Promise<PoolRow | undefined> => {
  const [row] = await tx<PoolRow>`
    select worker_pool_id, provider_id, previous_provider_ids, description, config, owner, email_on_error, created,
           last_modified, paused, pause_reason
      from worker_pools where worker_pool_id = ${workerPoolId} for update`;
  return row;
};

export const updatePool = (tx: Transaction, pool: PoolRow) =>
  tx<never>`
    update worker_pools
       set provider_id = ${pool.providerId}, previous_provider_ids = ${pool.previousProviderIds}::text[],
           description = ${pool.description}, config = ${pool.config}, owner = ${pool.owner},
           email_on_error = ${pool.emailOnError}, last_modified = ${pool.lastModified}
     where worker_pool_id = ${pool.workerPoolId}`;

/** Stops the start of workers for a pool, or with null lets it go on. */
export const writePause = (
  tx: Transaction,
  { workerPoolId, paused, pauseReason }: Pick<PoolRow, 'workerPoolId' | 'paused' | 'pauseReason'>,
) =>
  tx<never>`
    update worker_pools set paused = ${paused}, pause_reason = ${pauseReason} where worker_pool_id = ${workerPoolId}`;

/** Pools after one, in the order of their ids. */
export const listPools = (sql: Sql, range: { after: string; limit: number }) =>
  sql<PoolRow>`
    select worker_pool_id, provider_id, previous_provider_ids, description, config, owner, email_on_error, created,
           last_modified, paused, pause_reason
      from worker_pools where worker_pool_id > ${range.after}
     order by worker_pool_id limit ${range.limit}`;

export type PauseRow = Pick<PoolRow, 'workerPoolId' | 'paused' | 'pauseReason'>;

/** Paused pools in the order of their ids. */
export const listPausedPools = (sql: Sql, range: { after: string; limit: number }) =>
  sql<PauseRow>`
    select worker_pool_id, paused, pause_reason from worker_pools
     where worker_pool_id > ${range.after} and paused is not null
     order by worker_pool_id limit ${range.limit}`;

/** Forgets providers that a pool had before and that have no worker left in it; returns how many pools changed. */
export const forgetProviders = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    with forgetful as (
      select p.worker_pool_id, kept.ids
        from worker_pools p
       cross join lateral (
             select array(select former from unnest(p.previous_provider_ids) as former
                           where exists (select from managed_workers w
                                          where w.worker_pool_id = p.worker_pool_id and w.provider_id = former
                                            and w.state <> 'stopped')
                              or exists (select from provisioning_decisions d
                                          where d.worker_pool_id = p.worker_pool_id and d.provider_id = former
                                            and d.outcome = 'open')) as ids) kept
       where p.previous_provider_ids <> '{}' and p.previous_provider_ids <> kept.ids
       order by p.worker_pool_id limit ${limit} for update of p skip locked
    )
    update worker_pools p set previous_provider_ids = f.ids
      from forgetful f where p.worker_pool_id = any(array[f.worker_pool_id])
    returning p.worker_pool_id`;
  return rows.length;
};

/** Deletes pools that are winding down and have no worker left; returns which. */
export const deleteEmptyPools = (tx: Transaction, provider: string, limit: number) =>
  tx<{ workerPoolId: string }>`
    delete from worker_pools
     where ctid = any(array(
             select ctid from worker_pools p
              where p.provider_id = ${provider}
                and not exists (select from managed_workers w where w.worker_pool_id = p.worker_pool_id offset 0)
                and not exists (select from provisioning_decisions d where d.worker_pool_id = p.worker_pool_id
                                   and d.outcome = 'open' offset 0)
              order by worker_pool_id limit ${limit} for update skip locked))
    returning worker_pool_id`;

export interface LaunchConfigRow {
  readonly workerPoolId: string;
  readonly launchConfigId: string;
  readonly isArchived: boolean;
  /** JSON, with the id in it. */
  readonly configuration: string;
  readonly created: Date;
  readonly lastModified: Date;
}

/** Launch configs of some pools that are not archived, in the order of the pools' configs. */
export const activeLaunchConfigs = (sql: Sql, workerPoolIds: readonly string[]) =>
  sql<LaunchConfigRow>`
    select worker_pool_id, launch_config_id, is_archived, configuration, created, last_modified
      from launch_configs where worker_pool_id = any(${workerPoolIds}::text[]) and not is_archived
     order by worker_pool_id, place`;

/** Launch configs of a pool after one, in the order of their ids. */
export const listLaunchConfigs = (
  sql: Sql,
  range: { workerPoolId: string; after: string; includeArchived: boolean; limit: number },
) =>
  sql<LaunchConfigRow>`
    select worker_pool_id, launch_config_id, is_archived, configuration, created, last_modified
      from launch_configs
     where worker_pool_id = ${range.workerPoolId} and launch_config_id > ${range.after}
       and (${range.includeArchived} or not is_archived)
     order by launch_config_id limit ${range.limit}`;

/** All launch configs of a pool, the archived ones too. */
export const launchConfigsOf = (sql: Sql, workerPoolId: string) =>
  sql<LaunchConfigRow>`
    select worker_pool_id, launch_config_id, is_archived, configuration, created, last_modified
      from launch_configs where worker_pool_id = ${workerPoolId}`;

export interface LaunchConfigToWrite {
  readonly launchConfigId: string;
  readonly configuration: string;
}

/** Makes these the launch configs of a pool, in this order; `changed` are those whose row is to say so. */
export const writeLaunchConfigs = (
  tx: Transaction,
  {
    workerPoolId,
    configs,
    changed,
  }: { workerPoolId: string; configs: readonly LaunchConfigToWrite[]; changed: readonly string[] },
  now: Date,
) =>
  tx<never>`
    insert into launch_configs as known
           (worker_pool_id, launch_config_id, place, is_archived, configuration, created, last_modified)
    select ${workerPoolId}, launch_config_id, place, false, configuration, ${now}::timestamptz, ${now}::timestamptz
      from unnest(${configs.map((config) => config.launchConfigId)}::text[],
                  ${configs.map((config) => config.configuration)}::text[])
           with ordinality as given(launch_config_id, configuration, place)
        on conflict (worker_pool_id, launch_config_id) do update
       set place = excluded.place, is_archived = false, configuration = excluded.configuration,
           last_modified = case when known.launch_config_id = any(${changed}::text[])
                                then excluded.last_modified else known.last_modified end`;

export const archiveLaunchConfigs = (
  tx: Transaction,
  { workerPoolId, launchConfigIds }: { workerPoolId: string; launchConfigIds: readonly string[] },
  now: Date,
) =>
  tx<never>`
    update launch_configs set is_archived = true, last_modified = ${now}
     where worker_pool_id = ${workerPoolId} and launch_config_id = any(${launchConfigIds}::text[])`;

/** Deletes archived launch configs that no worker refers to any more. */
export const deleteUnusedLaunchConfigs = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    delete from launch_configs
     where ctid = any(array(
             select c.ctid from launch_configs c
              where c.is_archived
                and not exists (select from managed_workers w where w.worker_pool_id = c.worker_pool_id
                                   and w.launch_config_id = c.launch_config_id offset 0)
                and not exists (select from provisioning_decisions d where d.worker_pool_id = c.worker_pool_id
                                   and d.launch_config_id = c.launch_config_id and d.outcome = 'open' offset 0)
              order by c.worker_pool_id, c.launch_config_id limit ${limit} for update skip locked))
    returning launch_config_id`;
  return rows.length;
};

/** Deletes the launch configs of pools that are no more. */
export const deleteLaunchConfigsOf = (tx: Transaction, workerPoolIds: readonly string[]) =>
  tx<never>`delete from launch_configs where worker_pool_id = any(${workerPoolIds}::text[])`;
