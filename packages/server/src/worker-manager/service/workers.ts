import {
  later,
  minutes,
  oneByOne,
  RequestError,
  requireDate,
  type Sql,
  transact,
  type Work,
} from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import { pageLimit, pagesOf } from '../../http/index.ts';
import { clientIdOf } from '../barred.ts';
import type { Context } from '../context.ts';
import { digestOf } from '../digest.ts';
import * as events from '../events.ts';
import type { CreateWorkerRequest, Worker } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { recordWorkers } from './audit.ts';
import { hasMachines, noWorker, type PageOfPool, requirePool, requireWorker } from './lookups.ts';
import { loseClaims } from './lost-claims.ts';
import { poolsOf, removeWorkers } from './removal.ts';

/** A worker that an operator declares. */
export interface WorkerRequest extends store.WorkerRef {
  readonly definition: CreateWorkerRequest;
  /** Who declares it. */
  readonly clientId?: string | undefined;
}

/**
 * How long the call may be repeated, since the first reply may have been lost. A caller who creates a worker later than that
 * does not know that there is one.
 */
const repeatMs = minutes(15);

/**
 * Creates static workers. Repeated soon and with equal values, it returns the existing one. Else it is a conflict, also when
 * the record of the existing one has expired: what knew the former worker by its id would take the new one for it.
 */
export const createWorkers = oneByOne(
  async (tx, request: WorkerRequest, { now, context }: Work<Context>): Promise<Worker> => {
    const { providerId } = await requireStaticPool(tx, context, request.workerPoolId);
    const worker = newWorker(request, { providerId, now });
    const [added] = await store.insertWorkers(tx, [worker], now);
    if (!added) return workerView(requireEqual(await store.findWorker(tx, request), worker, now));
    // Asked afterwards: an insertion that waited for the deletion of the former record sees that it is noted.
    if (await store.isFormerWorker(tx, request)) throw isTaken(request);
    const { clientId } = request;
    await recordWorkers(context, tx, { workers: [added], clientId, change: 'created', now });
    await outbox.append(tx, [events.workerRunning(added, now)], now);
    return workerView(added);
  },
);

/** The database keeps no larger number. */
const capacityMax = 2 ** 31 - 1;

const requireCapacity = (capacity: number): number => {
  if (capacity > capacityMax)
    throw new RequestError('InputError', `capacity must be at most ${capacityMax}.`);
  return capacity;
};

const newWorker = (
  { workerPoolId, workerGroup, workerId, definition }: WorkerRequest,
  { providerId, now }: { readonly providerId: string; readonly now: Date },
): store.NewWorker => {
  const { capacity = 1, providerInfo } = definition;
  const expires = requireDate(definition.expires, 'expires');
  if (expires <= now) throw new RequestError('InputError', 'expires must lie in the future.');
  if (!providerInfo) throw new RequestError('InputError', 'providerInfo must hold a staticSecret.');
  return {
    workerPoolId,
    workerGroup,
    workerId,
    providerId,
    launchConfigId: null,
    state: 'running',
    capacity: requireCapacity(capacity),
    expires,
    terminateAfter: null,
    staticSecretDigest: digestOf(providerInfo.staticSecret),
    facts: {},
  };
};

/** Changes what an operator declared of static workers; a date in the past lets one expire at once. */
export const updateWorkers = oneByOne(
  async (tx, request: WorkerRequest, { now, context }: Work<Context>): Promise<Worker> => {
    await requireStaticPool(tx, context, request.workerPoolId);
    const { capacity, providerInfo } = request.definition;
    const expires = requireDate(request.definition.expires, 'expires');
    const before = (await store.lockWorker(tx, request)) ?? noWorker(request);
    // One that a former provider of the pool has started lives as long as that provider says.
    requireStatic(context, request.workerPoolId, before.providerId);
    const worker = {
      ...before,
      expires,
      capacity: requireCapacity(capacity ?? before.capacity),
      staticSecretDigest: providerInfo ? digestOf(providerInfo.staticSecret) : before.staticSecretDigest,
      lastModified: now,
    };
    await store.changeWorker(tx, worker, now);
    const { clientId } = request;
    await recordWorkers(context, tx, { workers: [worker], clientId, change: 'updated', now });
    tx.afterCommit(() => context.changed.wake());
    return workerView(worker);
  },
);

/** One worker that a provider has started, or that was created. */
export const readWorker = async (sql: Sql, ref: store.WorkerRef): Promise<Worker> =>
  workerView(await requireWorker(sql, ref));

/** Selects workers of a pool. */
export interface WorkersQuery extends PageOfPool {
  readonly workerGroup?: string | undefined;
  readonly launchConfigId?: string | undefined;
  readonly state?: string | undefined;
}

const pages = pagesOf('worker-manager.listWorkersForWorkerPool', ['text', 'text']);

/** A page of the workers of a pool, in the order of group and id. */
export const listWorkers = async (sql: Sql, query: WorkersQuery) => {
  await requirePool(sql, query.workerPoolId);
  const [afterGroup, afterId] = pages.keyIn(query.continuationToken) ?? ['', ''];
  const found = await store.listWorkers(sql, {
    ...query,
    afterGroup,
    afterId,
    limit: pageLimit(query.limit),
  });
  const { rows, ...token } = pages.pageOf(found, query.limit, (row) => [row.workerGroup, row.workerId]);
  return { workers: rows.map(workerView), ...token };
};

/** A worker, and the client that asks about it. */
export interface AskedWorker extends store.WorkerRef {
  readonly clientId?: string | undefined;
}

/**
 * Whether a worker should end, by the last decision. A worker that is told so itself takes no more tasks: from then on its
 * free places do not count.
 */
export const shouldWorkerTerminate = async (
  sql: Sql,
  { clientId, ...ref }: AskedWorker,
  { context }: Work<Context>,
) => {
  const worker = await requireWorker(sql, ref);
  const { shouldTerminate: terminate, terminateReason: reason } = worker;
  if (!terminate || clientId !== clientIdOf(worker)) return { terminate, reason };
  if (!(await store.drainLeaving(sql, ref))) {
    // A round has taken it back since the worker was read.
    return { terminate: false, reason: (await requireWorker(sql, ref)).terminateReason };
  }
  context.poolsTouched.wake([ref.workerPoolId]);
  return { terminate, reason };
};

/** Gives workers no more tasks: each ends with its last, and its free places do not count. Safe to repeat. */
export const drainWorkers = oneByOne(
  async (tx, { clientId, ...ref }: AskedWorker, { now, context }: Work<Context>): Promise<object> => {
    const worker = (await store.lockWorker(tx, ref)) ?? noWorker(ref);
    if (!hasMachines(context, worker.providerId)) {
      throw new RequestError(
        'InputError',
        `No worker is started in the place of one of ${worker.providerId}: put it into quarantine, or remove it.`,
      );
    }
    if (worker.state !== 'running') return {};
    await store.writeLeaving(tx, [{ ...ref, shouldTerminate: true, reason: 'drained' }]);
    await store.writeDraining(tx, [{ ...ref, isDraining: true }]);
    await recordWorkers(context, tx, { workers: [worker], clientId, change: 'updated', now });
    tx.afterCommit(() => {
      context.changed.wake();
      context.poolsChanged.wake([ref.workerPoolId]);
    });
    return {};
  },
);

/** Removes a worker, and ends its claims so that its runs are retried. Safe to repeat. */
export const removeWorker = async (
  context: Context,
  { clientId, ...ref }: AskedWorker,
  reason: string,
): Promise<object> => {
  await removeWorkers(context, [await requireWorker(context.db, ref)], { reason, clientId });
  return {};
};

/**
 * Ends at most this many workers whose record has expired, and deletes records of those whose credentials do not hold any
 * more; returns how many.
 */
export const expireWorkers = async (context: Context, limit: number): Promise<number> => {
  const { ended, deleted } = await transact(context, async (tx, now) => {
    const stopping = await store.stopExpired(tx, now, limit);
    const keepIdsOf = [...context.providers.values()]
      .filter(({ providerType }) => providerType === 'static')
      .map(({ providerId }) => providerId);
    await outbox.append(
      tx,
      stopping.map((row) => events.workerStopped(row, now)),
      now,
    );
    if (stopping.length > 0)
      tx.afterCommit(() => {
        context.changed.wake();
        context.poolsTouched.wake(poolsOf(stopping));
      });
    return { ended: stopping, deleted: await store.deleteExpiredWorkers(tx, { now, limit, keepIdsOf }) };
  });
  await loseClaims(context, ended);
  return Math.max(ended.length, deleted);
};

const requireStaticPool = async (
  sql: Sql,
  context: Context,
  workerPoolId: string,
): Promise<store.PoolRow> => {
  const pool = await requirePool(sql, workerPoolId);
  requireStatic(context, workerPoolId, pool.providerId);
  return pool;
};

const requireStatic = ({ providers }: Context, workerPoolId: string, providerId: string): void => {
  if (providers.get(providerId)?.providerType === 'static') return;
  throw new RequestError(
    'InputError',
    `Workers of ${workerPoolId} come from the provider ${providerId}; only static ones are declared.`,
  );
};

const requireEqual = (
  there: store.WorkerRow | undefined,
  wanted: store.NewWorker,
  now: Date,
): store.WorkerRow => {
  const fields = ['capacity', 'state', 'providerId', 'staticSecretDigest'] as const;
  const isRepeat =
    there &&
    later(there.created, repeatMs) > now &&
    there.expires.getTime() === wanted.expires.getTime() &&
    fields.every((field) => there[field] === wanted[field]);
  if (isRepeat) return there;
  throw isTaken(wanted);
};

const isTaken = ({ workerPoolId, workerGroup, workerId }: store.WorkerRef): RequestError =>
  new RequestError(
    'RequestConflict',
    `There is, or has been, another worker ${workerGroup}/${workerId} in ${workerPoolId}: choose another id.`,
  );

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
