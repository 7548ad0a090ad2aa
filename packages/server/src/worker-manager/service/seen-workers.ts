import { RequestError, type Sql, type Work } from '../../base/index.ts';
import { type PageQuery, pageLimit } from '../../http/index.ts';
import { type ListWorkersResponse, workerPages } from '../../workers/index.ts';
import type { Context } from '../context.ts';
import type { SeenWorker, SeenWorkerInFull } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { noWorker } from './lookups.ts';

// Some workers are known to the queue only, since they came with credentials of their own; others to this service only,
// since they have not asked for work yet. These listings show both.

type ListedWorker = ListWorkersResponse['workers'][number];

/** A pool by the two parts of its id. */
export interface PoolParts {
  readonly provisionerId: string;
  readonly workerType: string;
}

export interface SeenWorkersQuery extends PoolParts, PageQuery {
  readonly quarantined?: boolean | undefined;
  readonly launchConfigId?: string | undefined;
  readonly workerState?: string | undefined;
}

type Seen = Pick<SeenWorker, 'workerGroup' | 'workerId'> & {
  readonly listed?: ListedWorker;
  readonly managed?: store.WorkerRow;
};

/** A page of the workers of a pool, provisioned or not, in the order of group and id; filtered, it may be short. */
export const listSeenWorkers = async (sql: Sql, query: SeenWorkersQuery, { now, context }: Work<Context>) => {
  const { provisionerId, workerType, continuationToken } = query;
  const workerPoolId = `${provisionerId}/${workerType}`;
  const [afterGroup, afterId] = workerPages.keyIn(continuationToken) ?? ['', ''];
  const limit = pageLimit(query.limit);
  const [seen, managed] = await Promise.all([
    // Tokens of both listings name the same key.
    context.workers.listWorkers({ provisionerId, workerType, limit, continuationToken }),
    store.listWorkers(sql, { workerPoolId, afterGroup, afterId, limit }),
  ]);
  const merged = mergeByName(seen.workers, managed).slice(0, limit);
  const { rows, ...token } = workerPages.pageOf(merged, query.limit, (row) => [
    row.workerGroup,
    row.workerId,
  ]);
  const workers = rows
    .map((row) => ({ row, view: viewOf(workerPoolId, row) }))
    .filter(({ row, view }) => isWanted(view, row, { ...query, now }))
    .map(({ view }) => view);
  return { workers, ...token };
};

/** One worker of a pool, with everything that the queue and this service know. */
export const getSeenWorker = async (
  sql: Sql,
  params: PoolParts & { readonly workerGroup: string; readonly workerId: string },
  { context }: Work<Context>,
): Promise<SeenWorkerInFull> => {
  const { provisionerId, workerType, workerGroup, workerId } = params;
  const ref = { workerPoolId: `${provisionerId}/${workerType}`, workerGroup, workerId };
  const [seen, managed] = await Promise.all([
    context.workers.getWorker(params).catch(ifUnknown),
    store.findWorker(sql, ref),
  ]);
  if (!seen && !managed) return noWorker(ref);
  const { taskQueueId: _, ...known } = seen ?? {
    provisionerId,
    workerType,
    workerGroup,
    workerId,
    recentTasks: [],
    // It has claimed nothing yet, but clients need a date.
    firstClaim: (managed as store.WorkerRow).created.toJSON(),
    expires: (managed as store.WorkerRow).expires.toJSON(),
  };
  return { ...known, workerPoolId: ref.workerPoolId, ...managedView(managed) };
};

const ifUnknown = (error: unknown): undefined => {
  if (error instanceof RequestError && error.code === 'ResourceNotFound') return undefined;
  throw error;
};

const managedView = (managed: store.WorkerRow | undefined) => {
  if (!managed) return { state: 'standalone' as const, providerId: 'none' };
  const { state, providerId, capacity, launchConfigId } = managed;
  return { state, providerId, capacity, ...(launchConfigId === null ? {} : { launchConfigId }) };
};

const viewOf = (workerPoolId: string, { workerGroup, workerId, listed, managed }: Seen): SeenWorker => ({
  workerGroup,
  workerId,
  ...listed,
  workerPoolId,
  ...managedView(managed),
});

const isWanted = (view: SeenWorker, { listed }: Seen, query: SeenWorkersQuery & { now: Date }): boolean => {
  const { quarantined, launchConfigId, workerState, now } = query;
  const until = listed?.quarantineUntil;
  const isQuarantined = until !== undefined && new Date(until) > now;
  return (
    (quarantined === undefined || quarantined === isQuarantined) &&
    (launchConfigId === undefined || view.launchConfigId === launchConfigId) &&
    (workerState === undefined || view.state === workerState)
  );
};

/** Both lists are in the order of group and id, and each holds all it has up to its end or the limit. */
const mergeByName = (listed: readonly ListedWorker[], managed: readonly store.WorkerRow[]): Seen[] => {
  const byName = new Map<string, Seen>();
  const add = (part: Seen): void => {
    const name = `${part.workerGroup}/${part.workerId}`;
    byName.set(name, { ...byName.get(name), ...part });
  };
  for (const worker of listed) {
    add({ workerGroup: worker.workerGroup, workerId: worker.workerId, listed: worker });
  }
  for (const worker of managed) {
    add({ workerGroup: worker.workerGroup, workerId: worker.workerId, managed: worker });
  }
  const before = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...byName.values()].sort(
    (a, b) => before(a.workerGroup, b.workerGroup) || before(a.workerId, b.workerId),
  );
};
