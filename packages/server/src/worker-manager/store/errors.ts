import type { Sql, Transaction } from '../../base/index.ts';

export interface ErrorRow {
  readonly errorId: string;
  readonly workerPoolId: string;
  readonly launchConfigId: string | null;
  readonly reported: Date;
  readonly kind: string;
  readonly title: string;
  readonly description: string;
  /** JSON */
  readonly extra: string;
}

/** Adds these errors; one whose id is known exists already. */
export const insertErrors = (tx: Transaction, errors: readonly ErrorRow[]) =>
  tx<never>`
    insert into worker_pool_errors
           (error_id, worker_pool_id, launch_config_id, reported, kind, title, description, extra)
    select error_id, worker_pool_id, launch_config_id, reported, kind, title, description, extra
      from unnest(
        ${errors.map((error) => error.errorId)}::text[], ${errors.map((error) => error.workerPoolId)}::text[],
        ${errors.map((error) => error.launchConfigId)}::text[],
        ${errors.map((error) => error.reported)}::timestamptz[], ${errors.map((error) => error.kind)}::text[],
        ${errors.map((error) => error.title)}::text[], ${errors.map((error) => error.description)}::text[],
        ${errors.map((error) => error.extra)}::text[]
      ) as given(error_id, worker_pool_id, launch_config_id, reported, kind, title, description, extra)
    on conflict (error_id) do nothing`;

export interface ErrorsRange {
  readonly workerPoolId: string;
  readonly errorId?: string | undefined;
  readonly launchConfigId?: string | undefined;
  readonly before: Date;
  readonly afterId: string;
  readonly limit: number;
}

/** Errors of a pool, the latest first. */
export const listErrors = (sql: Sql, range: ErrorsRange) =>
  sql<ErrorRow>`
    select error_id, worker_pool_id, launch_config_id, reported, kind, title, description, extra
      from worker_pool_errors
     where worker_pool_id = ${range.workerPoolId}
       and (reported < ${range.before} or (reported = ${range.before} and error_id > ${range.afterId}))
       and (${range.errorId ?? null}::text is null or error_id = ${range.errorId ?? null})
       and (${range.launchConfigId ?? null}::text is null or launch_config_id = ${range.launchConfigId ?? null})
     order by reported desc, error_id limit ${range.limit}`;

export interface ErrorCount {
  readonly workerPoolId: string;
  readonly launchConfigId: string | null;
  readonly hour: Date;
  readonly title: string;
  readonly code: string | null;
  readonly count: number;
}

/** Errors since a time, of one pool or of all, counted by hour and kind. */
export const countErrors = (sql: Sql, workerPoolId: string | null, since: Date) =>
  sql<ErrorCount>`
    select worker_pool_id, launch_config_id, date_trunc('hour', reported) as hour, title,
           extra::jsonb ->> 'code' as code, count(*)::int as count
      from worker_pool_errors
     where reported >= ${since} and (${workerPoolId}::text is null or worker_pool_id = ${workerPoolId})
     group by 1, 2, 3, 4, 5`;

export const deleteOldErrors = async (sql: Sql, before: Date, limit: number): Promise<number> => {
  const rows = await sql`
    delete from worker_pool_errors
     where ctid = any(array(select ctid from worker_pool_errors where reported < ${before}
                         order by reported limit ${limit} for update skip locked))
    returning error_id`;
  return rows.length;
};

/** How many errors of each kind every pool has had since a time. */
export const countErrorsByKind = (sql: Sql, since: Date) =>
  sql<{ workerPoolId: string; kind: string; count: number }>`
    select worker_pool_id, kind, count(*)::int as count
      from worker_pool_errors where reported >= ${since} group by worker_pool_id, kind`;
