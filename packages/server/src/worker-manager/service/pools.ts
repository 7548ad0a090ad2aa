import {
  canonical,
  oneByOne,
  RequestError,
  type Sql,
  type Transaction,
  together,
  type Work,
} from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import {
  type Authorize,
  mistakesIn,
  type PageQuery,
  pageLimit,
  pagesOf,
  schemaPath,
} from '../../http/index.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import { nullProviderId } from '../lifecycle.ts';
import type { Provider } from '../providers/provider.ts';
import type { CreateWorkerPoolRequest, LaunchConfig, WorkerPool } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { recordPool } from './audit.ts';
import { capacitiesOf, countsByLaunchConfig } from './capacities.ts';
import { joinConfig, replaceLaunchConfigs, splitConfig } from './launch-configs.ts';
import { noPool, type PageOfPool, requirePool, storable } from './lookups.ts';
import { requireSoundConfig } from './sound-config.ts';

/** A pool as somebody wants it. */
export interface PoolRequest {
  readonly workerPoolId: string;
  readonly definition: CreateWorkerPoolRequest;
  readonly authorize: Authorize;
  /** The client that wants it; left out where the platform does. */
  readonly clientId?: string | undefined;
}

const pages = {
  providers: pagesOf('worker-manager.listProviders', ['whole']),
  pools: pagesOf('worker-manager.listWorkerPools', ['text']),
  pauses: pagesOf('worker-manager.listWorkerPoolPauses', ['text']),
  launchConfigs: pagesOf('worker-manager.listWorkerPoolLaunchConfigs', ['text']),
};

/** The providers of the configuration, in its order. */
export const listProviders = async (_: Sql, query: PageQuery, { context }: Work<Context>) => {
  const [start] = pages.providers.keyIn(query.continuationToken) ?? [0];
  const all = [...context.providers.values()].map(({ providerId, providerType }) => ({
    providerId,
    providerType,
  }));
  const limit = Math.max(1, query.limit ?? 100);
  const rows = all.slice(start, start + limit + 1);
  const { rows: providers, ...token } = pages.providers.pageOf(rows, limit, () => [start + limit]);
  return { providers, ...token };
};

/** Creates pools. The same again returns the one that is there; another under its id is a conflict. */
export const createPools = oneByOne(
  async (tx, request: PoolRequest, work: Work<Context>): Promise<WorkerPool> => {
    const { workerPoolId, definition } = request;
    const { now, context } = work;
    const split = checked(context, request);
    const pool = { ...rowOf(workerPoolId, definition, split.config), created: now, lastModified: now };
    if (!(await store.insertPool(tx, pool))) return requireEqual(await readPool(tx, workerPoolId), request);
    const messages = await replaceLaunchConfigs(tx, pool, { ...split, now });
    await recordPool(context, tx, { ...request, change: 'created', now });
    return publishPool(tx, workerPoolId, {
      ...work,
      messages: [events.workerPoolCreated(pool), ...messages],
    });
  },
);

/** A pool as it is to be from now on. */
export interface PoolUpdate extends PoolRequest {
  /** The pool that the body names, if it names one. */
  readonly repeatedId?: string | undefined;
}

/** Replaces the definitions of pools. Workers of a former provider stay until they end. */
export const updatePools = oneByOne(
  async (tx, request: PoolUpdate, work: Work<Context>): Promise<WorkerPool> => {
    const { workerPoolId, definition, repeatedId = workerPoolId } = request;
    const { now, context } = work;
    const split = checked(context, request);
    if (repeatedId !== workerPoolId) {
      throw new RequestError('InputError', `The body names the pool ${repeatedId}, the URL ${workerPoolId}.`);
    }
    const before = (await store.lockPool(tx, workerPoolId)) ?? noPool(workerPoolId);
    const pool = {
      ...before,
      ...rowOf(workerPoolId, definition, split.config),
      previousProviderIds: formerProviders(before, definition.providerId),
      lastModified: now,
    };
    await store.updatePool(tx, pool);
    await recordPool(context, tx, { ...request, change: 'updated', now });
    const changes = await replaceLaunchConfigs(tx, pool, { ...split, now });
    const messages = [events.workerPoolUpdated(pool, before.providerId), ...changes];
    return publishPool(tx, workerPoolId, { ...work, messages });
  },
);

/** A pool that is to go. */
export interface PoolToDelete {
  readonly workerPoolId: string;
  /** The client that wants it gone; left out where the platform does. */
  readonly clientId?: string | undefined;
}

/** Lets pools wind down; each is gone when its last worker is. Safe to repeat. */
export const deletePools = oneByOne(
  async (tx, { workerPoolId, clientId }: PoolToDelete, work: Work<Context>): Promise<WorkerPool> => {
    const { now, context } = work;
    const before = (await store.lockPool(tx, workerPoolId)) ?? noPool(workerPoolId);
    if (before.providerId === nullProviderId) return readPool(tx, workerPoolId);
    const pool = {
      ...before,
      providerId: nullProviderId,
      previousProviderIds: formerProviders(before, nullProviderId),
      lastModified: now,
    };
    await store.updatePool(tx, pool);
    await recordPool(context, tx, { workerPoolId, clientId, change: 'deleted', now });
    const changes = await replaceLaunchConfigs(tx, pool, { launchConfigs: [], now });
    const messages = [events.workerPoolUpdated(pool, before.providerId), ...changes];
    return publishPool(tx, workerPoolId, { ...work, messages });
  },
);

/** Whether workers are started for a pool, and why not; nothing else about the pool changes. */
export interface PauseRequest {
  readonly workerPoolId: string;
  /** Left out to let the pool go on. */
  readonly pause?: { readonly reason: string };
  readonly clientId?: string | undefined;
}

/**
 * Pauses pools, or lets them go on. While one is paused its workers claim and end as ever, and nothing new is started, not
 * even for its least capacity. Pausing again changes the reason.
 */
export const pausePools = oneByOne(
  async (tx, { workerPoolId, pause, clientId }: PauseRequest, work: Work<Context>): Promise<WorkerPool> => {
    const { now, context } = work;
    const before = (await store.lockPool(tx, workerPoolId)) ?? noPool(workerPoolId);
    if (!pause && !before.paused) return readPool(tx, workerPoolId);
    const pauseReason = pause ? storable(pause.reason) : null;
    const paused = pause ? (before.paused ?? now) : null;
    await store.writePause(tx, { workerPoolId, paused, pauseReason });
    await recordPool(context, tx, { workerPoolId, clientId, change: 'updated', now });
    const messages = [events.workerPoolUpdated(before, before.providerId)];
    return publishPool(tx, workerPoolId, { ...work, messages });
  },
);

/** Creates pools of the platform's own, or changes them to these definitions. */
export const ensurePools = oneByOne(
  async (tx, request: Omit<PoolRequest, 'authorize'>, work: Work<Context>): Promise<undefined> => {
    const ensure = (await store.findPool(tx, request.workerPoolId)) ? updatePools : createPools;
    await ensure(tx, [{ ...request, authorize: () => {} }], work);
  },
);

/** A pool, if it is of this provider. */
export interface PoolOfProvider {
  readonly workerPoolId: string;
  readonly providerId: string;
}

/** Lets pools wind down that are of these providers; others stay. */
export const dropPools = oneByOne(
  async (tx, { workerPoolId, providerId }: PoolOfProvider, work: Work<Context>): Promise<undefined> => {
    const pool = await store.findPool(tx, workerPoolId);
    if (pool?.providerId === providerId) await deletePools(tx, [{ workerPoolId }], work);
  },
);

/** Publishes what became of a pool, and returns the pool. */
const publishPool = async (
  tx: Transaction,
  workerPoolId: string,
  { now, context, messages }: Work<Context> & { readonly messages: Parameters<typeof outbox.append>[1] },
): Promise<WorkerPool> => {
  await outbox.append(tx, messages, now);
  tx.afterCommit(() => context.poolsChanged.wake([workerPoolId]));
  return readPool(tx, workerPoolId);
};

/** How many workers all pools have in each state, and their capacity. */
export const countPools = (sql: Sql): Promise<store.StateCount[]> => store.countWorkersOfAll(sql);

/** One pool, with its launch configs and numbers. */
export const readPool = async (sql: Sql, workerPoolId: string): Promise<WorkerPool> => {
  const [pool] = await viewsOf(sql, [await requirePool(sql, workerPoolId)]);
  return pool as WorkerPool;
};

/** A page of pools in the order of their ids. */
export const listPools = async (sql: Sql, query: PageQuery) => {
  const { rows, ...token } = await pageOfPools(sql, query);
  return { workerPools: await viewsOf(sql, rows), ...token };
};

/** A page of the pauses of pools, in the order of their ids; those that are not paused are left out. */
export const listPauses = async (sql: Sql, query: PageQuery) => {
  const [after] = pages.pauses.keyIn(query.continuationToken) ?? [''];
  const found = await store.listPausedPools(sql, { after, limit: pageLimit(query.limit) });
  const { rows, ...token } = pages.pauses.pageOf(found, query.limit, (row) => [row.workerPoolId]);
  return { pauses: rows.flatMap(pausesOf), ...token };
};

/** Since when and why a pool is paused, if it is. */
export const poolPause = async (sql: Sql, workerPoolId: string) => {
  const [pause] = pausesOf(await requirePool(sql, workerPoolId));
  return { workerPoolId, ...(pause ? { pause } : {}) };
};

const pausesOf = ({ workerPoolId, paused, pauseReason }: store.PauseRow) =>
  paused ? [{ workerPoolId, since: paused.toJSON(), reason: pauseReason ?? '' }] : [];

/** The same, of their numbers only. */
export const listPoolsStats = async (sql: Sql, query: PageQuery) => {
  const { rows, ...token } = await pageOfPools(sql, query);
  const ids = rows.map(({ workerPoolId }) => workerPoolId);
  const counts = await store.countWorkers(sql, ids);
  const workerPoolsStats = ids.map((workerPoolId) => ({
    workerPoolId,
    ...capacitiesOf(counts.filter((count) => count.workerPoolId === workerPoolId)),
  }));
  return { workerPoolsStats, ...token };
};

/** The numbers of a pool, by launch config. */
export const poolStats = async (sql: Sql, workerPoolId: string) => {
  await requirePool(sql, workerPoolId);
  const [counts, configs] = await together(
    store.countWorkers(sql, [workerPoolId]),
    store.launchConfigsOf(sql, workerPoolId),
  );
  const ids = configs.map(({ launchConfigId }) => launchConfigId).sort();
  return {
    launchConfigStats: countsByLaunchConfig(ids, counts).map((stats) => ({ workerPoolId, ...stats })),
  };
};

/** Selects launch configs of a pool. */
export interface LaunchConfigsQuery extends PageOfPool {
  readonly includeArchived?: boolean | undefined;
}

/** A page of the launch configs of a pool, in the order of their ids. */
export const listLaunchConfigs = async (sql: Sql, query: LaunchConfigsQuery) => {
  const { workerPoolId, includeArchived = false } = query;
  await requirePool(sql, workerPoolId);
  const [after] = pages.launchConfigs.keyIn(query.continuationToken) ?? [''];
  const range = { workerPoolId, after, includeArchived, limit: pageLimit(query.limit) };
  const found = await store.listLaunchConfigs(sql, range);
  const { rows, ...token } = pages.launchConfigs.pageOf(found, query.limit, (row) => [row.launchConfigId]);
  return { workerPoolLaunchConfigs: rows.map(launchConfigView), ...token };
};

const checked = (context: Context, { definition, authorize }: PoolRequest) => {
  authorize({ providerId: definition.providerId });
  const provider = requireProvider(context, definition.providerId);
  requireConfig(provider, definition.config);
  if (provider.providerType !== 'null') requireSoundConfig(definition.config);
  return splitConfig(definition.config);
};

const requireProvider = ({ providers }: Context, providerId: string): Provider => {
  const provider = providers.get(providerId);
  if (provider) return provider;
  throw new RequestError(
    'InputError',
    `There is no provider ${providerId}; there are ${[...providers.keys()].join(', ')}.`,
  );
};

const requireConfig = ({ configSchema }: Provider, config: object): void => {
  // Validation fills in defaults, but a definition is kept as it was given.
  const mistakes = mistakesIn(configSchema, structuredClone(config));
  if (mistakes.length === 0) return;
  const list = mistakes.map((mistake) => `  * ${mistake}`).join('\n');
  throw new RequestError(
    'InputValidationError',
    `Schema Validation Failed!\nThe config does not fit ${schemaPath(configSchema)}:\n${list}`,
  );
};

const rowOf = (workerPoolId: string, definition: CreateWorkerPoolRequest, config: string) => ({
  workerPoolId,
  providerId: definition.providerId,
  previousProviderIds: [],
  description: storable(definition.description),
  config,
  owner: storable(definition.owner),
  emailOnError: definition.emailOnError,
});

const formerProviders = (pool: store.PoolRow, providerId: string): string[] =>
  [...new Set([...pool.previousProviderIds, pool.providerId])].filter(
    (former) => former !== providerId && former !== nullProviderId,
  );

const requireEqual = (pool: WorkerPool, { workerPoolId, definition }: PoolRequest): WorkerPool => {
  const { config, launchConfigs } = splitConfig(definition.config);
  const { providerId, description, owner, emailOnError } = definition;
  const wanted = { providerId, description, owner, emailOnError, config: joinConfig(config, launchConfigs) };
  const there = {
    providerId: pool.providerId,
    description: pool.description,
    owner: pool.owner,
    emailOnError: pool.emailOnError,
    config: pool.config,
  };
  if (canonical(wanted) === canonical(there)) return pool;
  throw new RequestError('RequestConflict', `There is another worker pool ${workerPoolId} already.`);
};

const pageOfPools = async (sql: Sql, query: PageQuery) => {
  const [after] = pages.pools.keyIn(query.continuationToken) ?? [''];
  const found = await store.listPools(sql, { after, limit: pageLimit(query.limit) });
  return pages.pools.pageOf(found, query.limit, (row) => [row.workerPoolId]);
};

const viewsOf = async (sql: Sql, pools: readonly store.PoolRow[]): Promise<WorkerPool[]> => {
  const ids = pools.map(({ workerPoolId }) => workerPoolId);
  const [configs, counts] = await together(store.activeLaunchConfigs(sql, ids), store.countWorkers(sql, ids));
  return pools.map(({ previousProviderIds: _, paused: _since, pauseReason: _why, ...pool }) => ({
    ...pool,
    config: joinConfig(
      pool.config,
      configs.filter((row) => row.workerPoolId === pool.workerPoolId),
    ),
    created: pool.created.toJSON(),
    lastModified: pool.lastModified.toJSON(),
    ...capacitiesOf(counts.filter((row) => row.workerPoolId === pool.workerPoolId)),
  }));
};

const launchConfigView = (row: store.LaunchConfigRow): LaunchConfig => ({
  launchConfigId: row.launchConfigId,
  workerPoolId: row.workerPoolId,
  isArchived: row.isArchived,
  configuration: JSON.parse(row.configuration) as LaunchConfig['configuration'],
  created: row.created.toJSON(),
  lastModified: row.lastModified.toJSON(),
});
