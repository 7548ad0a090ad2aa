import { afterAnyWait, later, type Sql, type Transaction } from '../../base/index.ts';
import type { Decision } from '../provisioning/index.ts';

export type Outcome = 'open' | 'done' | 'partial' | 'failed' | 'abandoned';

export interface DecisionRow {
  readonly decisionId: number;
  readonly workerPoolId: string;
  readonly decided: Date;
  readonly times: number;
  readonly repeated: Date | null;
  readonly action: Decision['action'];
  readonly launchConfigId: string | null;
  readonly workerGroup: string | null;
  readonly workerId: string | null;
  readonly count: number;
  readonly reason: string;
  readonly outcome: Outcome;
  readonly trouble: string | null;
  readonly token: string | null;
  readonly started: number | null;
}

export type NewDecision = Pick<
  DecisionRow,
  'workerPoolId' | 'action' | 'launchConfigId' | 'workerGroup' | 'workerId' | 'count' | 'reason' | 'token'
> & { readonly providerId: string | null; readonly capacityPerInstance: number | null };

/** Keeps decisions. Launches are open, and to be tried from now on; all else is done in the same transaction. */
export const insertDecisions = (tx: Transaction, decisions: readonly NewDecision[], now: Date) =>
  tx<never>`
    insert into provisioning_decisions
           (worker_pool_id, decided, action, launch_config_id, worker_group, worker_id, count, reason, token,
            provider_id, capacity_per_instance, outcome, retry_at)
    select worker_pool_id, ${now}::timestamptz, action, launch_config_id, worker_group, worker_id, count, reason,
           token, provider_id, capacity_per_instance,
           case when token is null then 'done' else 'open' end,
           case when token is null then null else ${now}::timestamptz end
      from unnest(
        ${decisions.map((decision) => decision.workerPoolId)}::text[],
        ${decisions.map((decision) => decision.action)}::text[],
        ${decisions.map((decision) => decision.launchConfigId)}::text[],
        ${decisions.map((decision) => decision.workerGroup)}::text[],
        ${decisions.map((decision) => decision.workerId)}::text[],
        ${decisions.map((decision) => decision.count)}::int[],
        ${decisions.map((decision) => decision.reason)}::text[],
        ${decisions.map((decision) => decision.token)}::text[],
        ${decisions.map((decision) => decision.providerId)}::text[],
        ${decisions.map((decision) => decision.capacityPerInstance)}::int[]
      ) with ordinality as given(worker_pool_id, action, launch_config_id, worker_group, worker_id, count, reason,
                                 token, provider_id, capacity_per_instance, place)
     order by place`;

interface Wait {
  readonly workerPoolId: string;
  readonly reason: string;
}

/**
 * Notes that a pool waits once more, where that was decided last as well, for the same reason or since a short time
 * only. Returns those pools: for the others the decision is new.
 */
export const repeatWaits = (
  tx: Transaction,
  waits: readonly Wait[],
  { now, since }: { now: Date; since: Date },
) =>
  tx<{ workerPoolId: string }>`
    update provisioning_decisions d
       set times = d.times + 1, repeated = ${now}, reason = given.reason
      from unnest(${waits.map((wait) => wait.workerPoolId)}::text[],
                  ${waits.map((wait) => wait.reason)}::text[]) as given(worker_pool_id, reason)
     cross join lateral (
       select l.decision_id, l.action, l.reason, l.decided from provisioning_decisions l
        where l.worker_pool_id = any(array[given.worker_pool_id])
        order by l.worker_pool_id, l.decision_id desc limit 1) as latest
     where d.decision_id = any(array[latest.decision_id]) and latest.action = 'wait'
       and (latest.reason = given.reason or latest.decided > ${since})
    returning d.worker_pool_id`;

/** A launch that is to be tried, with the data that its provider needs. */
export interface LaunchRow {
  readonly decisionId: number;
  readonly token: string;
  readonly workerPoolId: string;
  readonly providerId: string;
  readonly launchConfigId: string;
  readonly count: number;
  readonly capacityPerInstance: number;
  readonly decided: Date;
  readonly attempts: number;
  /** JSON; null when the launch config is gone. */
  readonly configuration: string | null;
  readonly isArchived: boolean | null;
}

/** Takes open launches that are due. No other process takes them before `until`; none waits for longer than `waitMaxMs`. */
export const takeLaunches = (
  sql: Sql,
  {
    now,
    until,
    waitMaxMs,
    providerId,
    limit,
  }: { now: Date; until: Date; waitMaxMs: number; providerId: string; limit: number },
) =>
  sql<LaunchRow>`
    with taken as (
      select decision_id, worker_pool_id, launch_config_id from provisioning_decisions
       where outcome = 'open' and (retry_at <= ${now} or retry_at > ${afterAnyWait(later(now, waitMaxMs))})
         and provider_id = ${providerId}
       order by retry_at, decision_id limit ${limit} for update skip locked
    )
    update provisioning_decisions d set attempts = d.attempts + 1, retry_at = ${until}
      from taken
      left join lateral (
        select configuration, is_archived from launch_configs
         where worker_pool_id = taken.worker_pool_id and launch_config_id = taken.launch_config_id
        offset 0) as c on true
     where d.decision_id = any(array[taken.decision_id])
    returning d.decision_id, d.token, d.worker_pool_id, d.provider_id, d.launch_config_id, d.count, d.capacity_per_instance,
              d.decided, d.attempts, c.configuration, c.is_archived`;

/** Keeps open launches from being taken before a time. */
export const holdLaunches = (sql: Sql, tokens: readonly string[], until: Date) =>
  sql<never>`
    update provisioning_decisions set retry_at = ${until}
     where token = any(${tokens}::text[]) and outcome = 'open'`;

export interface LaunchToRetry {
  readonly decisionId: number;
  readonly trouble: string;
  readonly retryAt: Date;
}

/** Says when open launches are tried again. */
export const putOffLaunches = (sql: Sql, launches: readonly LaunchToRetry[]) =>
  sql<never>`
    update provisioning_decisions d set retry_at = given.retry_at, trouble = given.trouble
      from unnest(${launches.map((launch) => launch.decisionId)}::bigint[],
                  ${launches.map((launch) => launch.trouble)}::text[],
                  ${launches.map((launch) => launch.retryAt)}::timestamptz[]) as given(decision_id, trouble, retry_at)
     where d.decision_id = any(array[given.decision_id]) and d.outcome is not distinct from 'open'`;

export interface EndedLaunch {
  readonly decisionId: number;
  readonly outcome: Outcome;
  readonly started: number;
  readonly trouble: string | null;
}

/** Closes open launches; returns those that were not closed before. */
export const endLaunches = (sql: Sql, launches: readonly EndedLaunch[]) =>
  sql<{ decisionId: number }>`
    update provisioning_decisions d
       set outcome = given.outcome, started = given.started, trouble = given.trouble, retry_at = null
      from unnest(${launches.map((launch) => launch.decisionId)}::bigint[],
                  ${launches.map((launch) => launch.outcome)}::text[],
                  ${launches.map((launch) => launch.started)}::int[],
                  ${launches.map((launch) => launch.trouble)}::text[]) as given(decision_id, outcome, started, trouble)
     where d.decision_id = any(array[given.decision_id]) and d.outcome is not distinct from 'open'
    returning d.decision_id`;

/** The tokens of all launches with an unknown outcome. */
export const openTokens = (sql: Sql) =>
  sql<{ token: string }>`select token from provisioning_decisions where outcome = 'open'`;

export interface OpenLaunch {
  readonly workerPoolId: string;
  readonly token: string;
  readonly launchConfigId: string;
  readonly count: number;
  readonly capacityPerInstance: number;
  readonly decided: Date;
  readonly attempts: number;
}

/** Open launches of some pools. */
export const openLaunches = (sql: Sql, workerPoolIds: readonly string[]) =>
  sql<OpenLaunch>`
    select worker_pool_id, token, launch_config_id, count, capacity_per_instance, decided, attempts
      from provisioning_decisions where outcome = 'open' and worker_pool_id = any(${workerPoolIds}::text[])`;

/** Decisions about a pool before one, the latest first. */
export const listDecisions = (sql: Sql, range: { workerPoolId: string; before: number; limit: number }) =>
  sql<DecisionRow>`
    select decision_id, worker_pool_id, decided, times, repeated, action, launch_config_id, worker_group, worker_id,
           count, reason, outcome, trouble, token, started
      from provisioning_decisions
     where worker_pool_id = any(array[${range.workerPoolId}::text]) and decision_id < ${range.before}
     order by worker_pool_id, decision_id desc limit ${range.limit}`;

/** How often each action was decided since a time, by pool. */
export const countDecisions = (sql: Sql, since: Date) =>
  sql<{ workerPoolId: string; action: string; count: number }>`
    select worker_pool_id, action, count(*)::int as count
      from provisioning_decisions where decided >= ${since} group by worker_pool_id, action`;

export const deleteOldDecisions = async (sql: Sql, before: Date, limit: number): Promise<number> => {
  const rows = await sql`
    delete from provisioning_decisions
     where ctid = any(array(
             select ctid from provisioning_decisions
              where decided < ${before} and coalesce(repeated, decided) < ${before} and outcome <> 'open'
              order by decided limit ${limit} for update skip locked))
    returning decision_id`;
  return rows.length;
};
