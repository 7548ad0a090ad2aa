import { days, hours, later, type Sql, type Work } from '../../base/index.ts';
import { pageLimit, pagesOf } from '../../http/index.ts';
import type { Context } from '../context.ts';
import type { ProvisioningDecision } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { type PageOfPool, requirePool } from './lookups.ts';

/** How long decisions are kept. */
export const decisionKeptMs = days(7);

const pages = pagesOf('worker-manager.workerPoolDecisions', ['whole']);

/** A page of the decisions about a pool, the latest first. */
export const listDecisions = async (sql: Sql, { workerPoolId, ...query }: PageOfPool) => {
  await requirePool(sql, workerPoolId);
  const [before] = pages.keyIn(query.continuationToken) ?? [Number.MAX_SAFE_INTEGER];
  const found = await store.listDecisions(sql, {
    workerPoolId,
    before,
    limit: pageLimit(query.limit),
  });
  const { rows, ...token } = pages.pageOf(found, query.limit, (row) => [row.decisionId]);
  return { decisions: rows.map(viewOf), ...token };
};

/** How often each action was decided in the last hour, by pool. */
export const countDecisions = (sql: Sql, _: undefined, { now }: Work<Context>) =>
  store.countDecisions(sql, later(now, -hours(1)));

const viewOf = (row: store.DecisionRow): ProvisioningDecision => ({
  decisionId: row.decisionId,
  decided: row.decided.toJSON(),
  times: row.times,
  ...(row.repeated === null ? {} : { repeated: row.repeated.toJSON() }),
  action: row.action,
  count: row.count,
  reason: row.reason,
  outcome: row.outcome,
  ...(row.launchConfigId === null ? {} : { launchConfigId: row.launchConfigId }),
  ...(row.workerGroup === null ? {} : { workerGroup: row.workerGroup }),
  ...(row.workerId === null ? {} : { workerId: row.workerId }),
  ...(row.token === null ? {} : { token: row.token }),
  ...(row.started === null ? {} : { started: row.started }),
  ...(row.trouble === null ? {} : { trouble: row.trouble }),
});
