import { RequestError, requireDate, transact } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import { type PageQuery, pageLimit, pagesOf } from '../../http/index.ts';
import { clientIdOf } from '../barred.ts';
import type { Context } from '../context.ts';
import { digestOf } from '../digest.ts';
import * as events from '../events.ts';
import type { CreateWorkerRequest, Worker } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { recordWorkers } from './audit.ts';
import { noWorker, requirePool, requireWorker } from './lookups.ts';
import { loseClaims } from './lost-claims.ts';
import { removeWorkers } from './removal.ts';

/** A worker that an operator declares. */
export interface WorkerRequest extends store.WorkerRef {
  readonly definition: CreateWorkerRequest;
  /** Who declares it. */
  readonly clientId?: string | undefined;
}

/** Creates a static worker. Repeated, it returns the existing one; another capacity or secret is a conflict. */
export const createWorker = async (context: Context, request: WorkerRequest): Promise<Worker> => {
  const { workerPoolId, workerGroup, workerId, definition, clientId } = request;
  const { providerId } = await requireStaticPool(context, workerPoolId);
  const { capacity = 1, providerInfo } = definition;
  const expires = requireDate(definition.expires, 'expires');
  if (expires <= context.clock.now()) throw new RequestError('InputError', 'expires must lie in the future.');
  if (!providerInfo) throw new RequestError('InputError', 'providerInfo must hold a staticSecret.');
  const worker: store.NewWorker = {
    workerPoolId,
    workerGroup,
    workerId,
    providerId,
    launchConfigId: null,
    state: 'running',
    capacity,
    expires,
    terminateAfter: null,
    staticSecretDigest: digestOf(providerInfo.staticSecret),
    facts: {},
  };
  return transact(context, async (tx, now) => {
    const [added] = await store.insertWorkers(tx, [worker], now);
    if (!added) return workerView(requireEqual(await store.findWorker(tx, request), worker));
    await recordWorkers(context, tx, { workers: [added], clientId, change: 'created', now });
    await outbox.append(tx, [events.workerRunning(added, now)], now);
    return workerView(added);
  });
};

/** Changes what an operator declared of a static worker; a date in the past lets it expire at once. */
export const updateWorker = async (context: Context, request: WorkerRequest): Promise<Worker> => {
  await requireStaticPool(context, request.workerPoolId);
  const { capacity, providerInfo } = request.definition;
  const expires = requireDate(request.definition.expires, 'expires');
  return transact(context, async (tx, now) => {
    const before = (await store.lockWorker(tx, request)) ?? noWorker(request);
    const worker = {
      ...before,
      expires,
      capacity: capacity ?? before.capacity,
      staticSecretDigest: providerInfo ? digestOf(providerInfo.staticSecret) : before.staticSecretDigest,
      lastModified: now,
    };
    await store.changeWorker(tx, worker, now);
    await recordWorkers(context, tx, {
      workers: [worker],
      clientId: request.clientId,
      change: 'updated',
      now,
    });
    return workerView(worker);
  });
};

export const readWorker = async (context: Context, ref: store.WorkerRef): Promise<Worker> =>
  workerView(await requireWorker(context, ref));

/** Selects workers of a pool. */
export interface WorkersQuery extends PageQuery {
  readonly workerPoolId: string;
  readonly workerGroup?: string | undefined;
  readonly launchConfigId?: string | undefined;
  readonly state?: string | undefined;
}

const pages = pagesOf('worker-manager.listWorkersForWorkerPool', ['text', 'text']);

/** A page of the workers of a pool, in the order of group and id. */
export const listWorkers = async (context: Context, query: WorkersQuery) => {
  await requirePool(context, query.workerPoolId);
  const [afterGroup, afterId] = pages.keyIn(query.continuationToken) ?? ['', ''];
  const found = await store.listWorkers(context.db, {
    ...query,
    afterGroup,
    afterId,
    limit: pageLimit(query.limit),
  });
  const { rows, ...token } = pages.pageOf(found, query.limit, (row) => [row.workerGroup, row.workerId]);
  return { workers: rows.map(workerView), ...token };
};

/**
 * Whether a worker should end, by the last decision. A worker that is told so itself takes no more tasks: from then on its
 * free places do not count.
 */
export const shouldWorkerTerminate = async (
  context: Context,
  { clientId, ...ref }: store.WorkerRef & { readonly clientId?: string | undefined },
) => {
  const worker = await requireWorker(context, ref);
  const { shouldTerminate, terminateReason } = worker;
  if (shouldTerminate && clientId === clientIdOf(worker)) {
    await store.writeDraining(context.db, [{ ...ref, isDraining: true }]);
  }
  return { terminate: shouldTerminate, reason: terminateReason };
};

/** Removes a worker, and ends its claims so that its runs are retried. Safe to repeat. */
export const removeWorker = async (
  context: Context,
  { clientId, ...ref }: store.WorkerRef & { readonly clientId?: string | undefined },
  reason: string,
): Promise<object> => {
  await removeWorkers(context, [await requireWorker(context, ref)], { reason, clientId });
  return {};
};

/** Deletes at most this many workers whose record has expired; returns how many. */
export const expireWorkers = async (context: Context, limit: number): Promise<number> => {
  const deleted = await transact(context, async (tx, now) => {
    const rows = await store.deleteExpiredWorkers(tx, now, limit);
    const alive = rows.filter(({ state }) => state !== 'stopped');
    await outbox.append(
      tx,
      alive.map((row) => events.workerStopped(row, now)),
      now,
    );
    return { rows, alive };
  });
  await loseClaims(context, deleted.alive);
  return deleted.rows.length;
};

const requireStaticPool = async (context: Context, workerPoolId: string): Promise<store.PoolRow> => {
  const pool = await requirePool(context, workerPoolId);
  if (context.providers.get(pool.providerId)?.providerType === 'static') return pool;
  throw new RequestError(
    'InputError',
    `Workers of ${workerPoolId} come from the provider ${pool.providerId}; only static ones are declared.`,
  );
};

const requireEqual = (there: store.WorkerRow | undefined, wanted: store.NewWorker): store.WorkerRow => {
  const fields = ['capacity', 'state', 'providerId', 'staticSecretDigest'] as const;
  if (there && fields.every((field) => there[field] === wanted[field])) return there;
  throw new RequestError(
    'RequestConflict',
    `There is another worker ${wanted.workerGroup}/${wanted.workerId} in ${wanted.workerPoolId} already.`,
  );
};

const workerView = (row: store.WorkerRow): Worker => ({
  workerPoolId: row.workerPoolId,
  workerGroup: row.workerGroup,
  workerId: row.workerId,
  providerId: row.providerId,
  created: row.created.toJSON(),
  expires: row.expires.toJSON(),
  lastModified: row.lastModified.toJSON(),
  lastChecked: row.lastChecked.toJSON(),
  state: row.state,
  capacity: row.capacity,
  ...(row.launchConfigId === null ? {} : { launchConfigId: row.launchConfigId }),
});
