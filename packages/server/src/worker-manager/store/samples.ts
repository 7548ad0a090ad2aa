import type { Sql, Transaction } from '../../base/index.ts';

/** What a pool has in one round of the provisioner. */
export interface PoolSample {
  readonly workerPoolId: string;
  /** All that exist, in whatever state. */
  readonly workers: number;
  readonly running: number;
  /** Those that are running and have no task. */
  readonly idle: number;
  /** Of those whose price is known. */
  readonly usdPerHour: number;
  readonly unpriced: number;
}

/**
 * Adds what pools have to the sums of the time that `begins` says. Of rounds that follow each other within less than 45
 * seconds the first one counts: there are more of them while much happens, and means are to be over time. A row that stays
 * as it is is not locked.
 */
export const addSamples = (
  tx: Transaction,
  samples: readonly PoolSample[],
  { begins, now }: { begins: Date; now: Date },
) =>
  tx<never>`
    insert into pool_samples as kept
           (worker_pool_id, begins, sampled, rounds, workers, running, idle, usd_per_hour, unpriced)
    select worker_pool_id, ${begins}::timestamptz, ${now}::timestamptz, 1, workers, running, idle, usd_per_hour, unpriced
      from unnest(${samples.map((each) => each.workerPoolId)}::text[], ${samples.map((each) => each.workers)}::int[],
                  ${samples.map((each) => each.running)}::int[], ${samples.map((each) => each.idle)}::int[],
                  ${samples.map((each) => each.usdPerHour)}::float8[], ${samples.map((each) => each.unpriced)}::int[])
             as given(worker_pool_id, workers, running, idle, usd_per_hour, unpriced)
     where not exists (
       select from pool_samples s
        where s.worker_pool_id = given.worker_pool_id and s.begins = ${begins}
          and s.sampled > ${now}::timestamptz - interval '45 seconds' offset 0)
     order by worker_pool_id
    on conflict (worker_pool_id, begins) do update
       set sampled = excluded.sampled, rounds = kept.rounds + 1, workers = kept.workers + excluded.workers,
           running = kept.running + excluded.running, idle = kept.idle + excluded.idle,
           usd_per_hour = kept.usd_per_hour + excluded.usd_per_hour, unpriced = kept.unpriced + excluded.unpriced
     where kept.sampled <= excluded.sampled - interval '45 seconds'`;

/** Means over the rounds of a time. */
export type MeanSample = Omit<PoolSample, 'workerPoolId'> & { readonly begins: Date };

/** The samples of a pool, the oldest first. */
export const readSamples = (
  sql: Sql,
  { workerPoolId, since, limit }: { workerPoolId: string; since: Date; limit: number },
) =>
  sql<MeanSample>`
    select begins, workers::float8 / rounds as workers, running::float8 / rounds as running,
           idle::float8 / rounds as idle, usd_per_hour / rounds as usd_per_hour, unpriced::float8 / rounds as unpriced
      from pool_samples
     where worker_pool_id = any(array[${workerPoolId}::text]) and begins >= ${since}
     order by worker_pool_id, begins
     limit ${limit}`;

export const deleteSamplesOf = (tx: Transaction, workerPoolIds: readonly string[]) =>
  tx<never>`delete from pool_samples where worker_pool_id = any(${workerPoolIds}::text[])`;

export const deleteOldSamples = async (sql: Sql, before: Date, limit: number): Promise<number> => {
  const rows = await sql`
    delete from pool_samples
     where ctid = any(array(
             select ctid from pool_samples
              where begins < ${before} order by begins limit ${limit} for update skip locked))
    returning rounds`;
  return rows.length;
};
