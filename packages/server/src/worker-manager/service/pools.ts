import { canonical, RequestError, transact } from '../../base/index.ts';
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
import { readScaling, type ScalingConfig } from '../provisioning/index.ts';
import type { CreateWorkerPoolRequest, LaunchConfig, WorkerPool } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { recordPool } from './audit.ts';
import { capacitiesOf, countsByLaunchConfig } from './capacities.ts';
import { joinConfig, replaceLaunchConfigs, splitConfig } from './launch-configs.ts';
import { noPool, requirePool, storable } from './lookups.ts';

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
  launchConfigs: pagesOf('worker-manager.listWorkerPoolLaunchConfigs', ['text']),
};

/** The providers of the configuration, and the one of pools that wind down. */
export const listProviders = async (context: Context, query: PageQuery) => {
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

/** Creates a pool. The same again finds it there; another under its id is a conflict. */
export const createPool = async (context: Context, request: PoolRequest): Promise<WorkerPool> => {
  const { workerPoolId, definition } = request;
  const split = checked(context, request);
  await transact(context, async (tx, now) => {
    const pool = { ...rowOf(workerPoolId, definition, split.config), created: now, lastModified: now };
    if (!(await store.insertPool(tx, pool))) return requireEqual(context, request);
    const messages = await replaceLaunchConfigs(tx, pool, { ...split, now });
    await recordPool(context, tx, { ...request, change: 'created', now });
    await outbox.append(tx, [events.workerPoolCreated(pool), ...messages], now);
    tx.afterCommit(() => context.poolsChanged.wake([workerPoolId]));
  });
  return readPool(context, workerPoolId);
};

/** Replaces the definition of a pool. Workers of its former provider stay until they end. */
export const updatePool = async (
  context: Context,
  request: PoolRequest & { readonly repeatedId?: string | undefined },
): Promise<WorkerPool> => {
  const { workerPoolId, definition, repeatedId = workerPoolId } = request;
  const split = checked(context, request);
  if (repeatedId !== workerPoolId) {
    throw new RequestError('InputError', `The body names the pool ${repeatedId}, the URL ${workerPoolId}.`);
  }
  await transact(context, async (tx, now) => {
    const before = (await store.lockPool(tx, workerPoolId)) ?? noPool(workerPoolId);
    const pool = {
      ...before,
      ...rowOf(workerPoolId, definition, split.config),
      previousProviderIds: formerProviders(before, definition.providerId),
      lastModified: now,
    };
    await store.updatePool(tx, pool);
    await recordPool(context, tx, { ...request, change: 'updated', now });
    const messages = await replaceLaunchConfigs(tx, pool, { ...split, now });
    await outbox.append(tx, [events.workerPoolUpdated(pool, before.providerId), ...messages], now);
    tx.afterCommit(() => context.poolsChanged.wake([workerPoolId]));
  });
  return readPool(context, workerPoolId);
};

/** Lets a pool wind down; it is gone when its last worker is. */
export const deletePool = async (
  context: Context,
  workerPoolId: string,
  clientId?: string,
): Promise<WorkerPool> => {
  await transact(context, async (tx, now) => {
    const before = (await store.lockPool(tx, workerPoolId)) ?? noPool(workerPoolId);
    if (before.providerId === nullProviderId) return;
    const pool = {
      ...before,
      providerId: nullProviderId,
      previousProviderIds: formerProviders(before, nullProviderId),
      lastModified: now,
    };
    await store.updatePool(tx, pool);
    await recordPool(context, tx, { workerPoolId, clientId, change: 'deleted', now });
    const messages = await replaceLaunchConfigs(tx, pool, { launchConfigs: [], now });
    await outbox.append(tx, [events.workerPoolUpdated(pool, before.providerId), ...messages], now);
    tx.afterCommit(() => context.poolsChanged.wake([workerPoolId]));
  });
  return readPool(context, workerPoolId);
};

/** Creates a pool, or changes it to this definition. */
export const ensurePool = async (
  context: Context,
  request: Omit<PoolRequest, 'authorize'>,
): Promise<void> => {
  const { workerPoolId } = request;
  const wanted = { ...request, authorize: () => {} };
  if (await store.findPool(context.db, workerPoolId)) await updatePool(context, wanted);
  else await createPool(context, wanted);
};

/** Lets a pool wind down, if there is one of this provider. */
export const dropPool = async (
  context: Context,
  { workerPoolId, providerId }: { workerPoolId: string; providerId: string },
): Promise<void> => {
  const pool = await store.findPool(context.db, workerPoolId);
  if (pool?.providerId === providerId) await deletePool(context, workerPoolId);
};

/** How many workers all pools have in each state, and their capacity. */
export const countPools = async ({ db }: Pick<Context, 'db'>): Promise<store.StateCount[]> =>
  store.countWorkersOfAll(db);

export const readPool = async (context: Context, workerPoolId: string): Promise<WorkerPool> => {
  const [pool] = await viewsOf(context, [await requirePool(context, workerPoolId)]);
  return pool as WorkerPool;
};

/** A page of pools in the order of their ids. */
export const listPools = async (context: Context, query: PageQuery) => {
  const { rows, ...token } = await pageOfPools(context, query);
  return { workerPools: await viewsOf(context, rows), ...token };
};

/** The same, of their numbers only. */
export const listPoolsStats = async (context: Context, query: PageQuery) => {
  const { rows, ...token } = await pageOfPools(context, query);
  const ids = rows.map(({ workerPoolId }) => workerPoolId);
  const counts = await store.countWorkers(context.db, ids);
  const workerPoolsStats = ids.map((workerPoolId) => ({
    workerPoolId,
    ...capacitiesOf(counts.filter((count) => count.workerPoolId === workerPoolId)),
  }));
  return { workerPoolsStats, ...token };
};

/** The numbers of a pool, by launch config. */
export const poolStats = async (context: Context, workerPoolId: string) => {
  await requirePool(context, workerPoolId);
  const [counts, configs] = await Promise.all([
    store.countWorkers(context.db, [workerPoolId]),
    store.launchConfigsOf(context.db, workerPoolId),
  ]);
  const ids = configs.map(({ launchConfigId }) => launchConfigId).sort();
  return {
    launchConfigStats: countsByLaunchConfig(ids, counts).map((stats) => ({ workerPoolId, ...stats })),
  };
};

/** A page of the launch configs of a pool, in the order of their ids. */
export const listLaunchConfigs = async (
  context: Context,
  workerPoolId: string,
  query: PageQuery & { readonly includeArchived?: boolean | undefined },
) => {
  await requirePool(context, workerPoolId);
  const [after] = pages.launchConfigs.keyIn(query.continuationToken) ?? [''];
  const { includeArchived = false } = query;
  const range = { workerPoolId, after, includeArchived, limit: pageLimit(query.limit) };
  const found = await store.listLaunchConfigs(context.db, range);
  const { rows, ...token } = pages.launchConfigs.pageOf(found, query.limit, (row) => [row.launchConfigId]);
  return { workerPoolLaunchConfigs: rows.map(launchConfigView), ...token };
};

const checked = (context: Context, { definition, authorize }: PoolRequest) => {
  authorize({ providerId: definition.providerId });
  const provider = requireProvider(context, definition.providerId);
  requireConfig(provider, definition.config);
  if (provider.machines) requireScaling(definition.config);
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

/** A schedule is a text to its schema. */
const requireScaling = (config: object): void => {
  try {
    readScaling(config as ScalingConfig);
  } catch (error) {
    throw new RequestError(
      'InputError',
      `The schedule of the pool cannot be read: ${(error as Error).message}`,
    );
  }
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

const requireEqual = async (context: Context, { workerPoolId, definition }: PoolRequest): Promise<void> => {
  const pool = await readPool(context, workerPoolId);
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
  if (canonical(wanted) === canonical(there)) return;
  throw new RequestError('RequestConflict', `There is another worker pool ${workerPoolId} already.`);
};

const pageOfPools = async (context: Context, query: PageQuery) => {
  const [after] = pages.pools.keyIn(query.continuationToken) ?? [''];
  const found = await store.listPools(context.db, { after, limit: pageLimit(query.limit) });
  return pages.pools.pageOf(found, query.limit, (row) => [row.workerPoolId]);
};

const viewsOf = async ({ db }: Context, pools: readonly store.PoolRow[]): Promise<WorkerPool[]> => {
  const ids = pools.map(({ workerPoolId }) => workerPoolId);
  const [configs, counts] = await Promise.all([
    store.activeLaunchConfigs(db, ids),
    store.countWorkers(db, ids),
  ]);
  return pools.map(({ previousProviderIds: _, ...pool }) => ({
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
