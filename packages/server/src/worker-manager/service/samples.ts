import { days, later, minutes, type Sql, type Work } from '../../base/index.ts';
import type { Context } from '../context.ts';
import type { PoolFacts } from '../provisioning/index.ts';
import * as store from '../store/index.ts';
import { requirePool } from './lookups.ts';

/** Over how long a time samples are means. */
const sampleMs = minutes(15);
/** How long samples are kept. */
export const sampleKeptMs = days(7);

/** When the time begins that a moment is in. */
export const sampleBegin = (now: Date): Date => new Date(Math.floor(now.getTime() / sampleMs) * sampleMs);

/** What a pool has and costs now. Orders whose outcome is not known yet are no workers. */
export const sampleOf = (
  { workerPoolId, launchConfigs, workers }: PoolFacts,
  isOrdered: (worker: PoolFacts['workers'][number]) => boolean,
): store.PoolSample => {
  const prices = new Map(launchConfigs.map(({ launchConfigId, usdPerHour }) => [launchConfigId, usdPerHour]));
  const existing = workers.filter((worker) => !isOrdered(worker));
  const running = existing.filter(({ state }) => state === 'running');
  const priced = existing.flatMap(({ launchConfigId = '' }) => prices.get(launchConfigId) ?? []);
  return {
    workerPoolId,
    workers: existing.length,
    running: running.length,
    idle: running.filter(({ runningTasks }) => runningTasks === 0).length,
    usdPerHour: priced.reduce((total, price) => total + price, 0),
    unpriced: existing.length - priced.length,
  };
};

/** What a pool had and cost in the last week. */
export const listSamples = async (
  sql: Sql,
  { workerPoolId }: { readonly workerPoolId: string },
  { now }: Work<Context>,
) => {
  await requirePool(sql, workerPoolId);
  const rows = await store.readSamples(sql, {
    workerPoolId,
    since: later(now, -sampleKeptMs),
    limit: sampleKeptMs / sampleMs + 1,
  });
  return {
    seconds: sampleMs / 1000,
    samples: rows.map(({ begins, workers, running, idle, usdPerHour, unpriced }) => ({
      begins: begins.toJSON(),
      workers,
      running,
      idle,
      ...(unpriced > 0 ? {} : { usdPerHour }),
    })),
  };
};
