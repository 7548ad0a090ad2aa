import { days, hours, later, minutes, type Sql, seconds } from '../../base/index.ts';
import { claimsByWorker, waitingByAge } from '../../queue/index.ts';
import { readQuarantined } from '../../workers/index.ts';
import { grouped } from '../grouped.ts';
import { keyOf } from '../lifecycle.ts';
import {
  capacityMax,
  type LaunchConfigFacts,
  type PoolFacts,
  readScaling,
  type Scaling,
  type ScalingConfig,
  type WorkerFacts,
} from '../provisioning/index.ts';
import * as store from '../store/index.ts';
import type { Configuration } from './launch-configs.ts';

/** A pool that is decided about. */
export interface DecidablePool {
  readonly pool: store.PoolRow;
  readonly scaling: Scaling;
}

/** How many runs of each priority of a pool are read; no pool starts as many workers at a time. */
const pendingMax = 5000;
const errorsCountMs = hours(1);
/** Where there was no capacity so lately, workers are started only if no other launch config is left. */
const shortMs = minutes(2);
const historyMs = days(1);
/** Orders with an unknown outcome count as workers, of a group that no worker has. */
const orderedGroup = '';
/** An order that was tried again, and is not answered after this time, is not waited for where work can go elsewhere. */
const orderLateMs = seconds(30);

/** How a pool grows; one whose provider no longer starts workers only shrinks. */
export const scalingOf = (pool: store.PoolRow, providerIds: readonly string[]): Scaling =>
  providerIds.includes(pool.providerId)
    ? readScaling(JSON.parse(pool.config) as ScalingConfig)
    : readScaling({ minCapacity: 0, maxCapacity: 0 });

export const isOrdered = ({ workerGroup }: { readonly workerGroup: string }): boolean =>
  workerGroup === orderedGroup;

type Row = { readonly workerPoolId: string };

const byPool = <T>(rows: readonly T[], poolOf: (row: T) => string): ((id: string) => readonly T[]) => {
  const groups = grouped(rows, poolOf);
  return (id) => groups.get(id) ?? [];
};

const ofPools = <T extends Row>(rows: readonly T[]) => byPool(rows, (row) => row.workerPoolId);

/** Prices by pool and launch config, as {@link priceKey} names them. */
export type Prices = ReadonlyMap<string, number>;
export const priceKey = (workerPoolId: string, launchConfigId: string): string =>
  `${workerPoolId}/${launchConfigId}`;

/** The facts for the decision about a pool, and the rows that they come from. */
export interface KnownPool extends DecidablePool {
  readonly facts: PoolFacts;
  readonly workers: readonly store.ProvisionedWorker[];
}

/** All that decisions about some pools rest on: each sort of fact is read by one statement for all of them. */
export const readFacts = async (
  sql: Sql,
  pools: readonly DecidablePool[],
  { now, prices }: { now: Date; prices: Prices },
): Promise<KnownPool[]> => {
  const ids = pools.map(({ pool }) => pool.workerPoolId);
  // Open orders come before workers: one that ends in between is counted twice rather than not at all.
  const orders = ofPools(await store.openLaunches(sql, ids));
  const workers = ofPools(await store.aliveWorkers(sql, ids));
  const configs = ofPools(await store.activeLaunchConfigs(sql, ids));
  const errors = ofPools(
    await store.launchConfigErrors(sql, ids, {
      since: later(now, -errorsCountMs),
      shortSince: later(now, -shortMs),
    }),
  );
  const histories = ofPools(
    await store.launchConfigHistories(sql, ids, { since: later(now, -historyMs), now }),
  );
  const waiting = byPool(
    await waitingByAge(sql, ids, { now, runsMax: pendingMax }),
    ({ taskQueueId }) => taskQueueId,
  );
  const claims = byPool(await claimsByWorker(sql, ids), ({ taskQueueId }) => taskQueueId);
  const times = ofPools(await store.taskTimes(sql, ids));
  const quarantined = new Set((await readQuarantined(sql, now)).map(nameInQueue));
  return pools.map((decidable): KnownPool => {
    const { workerPoolId } = decidable.pool;
    const held = claims(workerPoolId);
    const running = new Map(held.map((claim) => [nameInQueue(claim), claim.count]));
    const rows = workers(workerPoolId);
    const lifetimes = new Map(
      configs(workerPoolId).map((row) => [
        row.launchConfigId,
        lifetimeMsOf(JSON.parse(row.configuration) as Configuration),
      ]),
    );
    const late = lateConfigs(orders(workerPoolId), now);
    const launchConfigs = configs(workerPoolId).map((config) =>
      launchConfigFacts(config, {
        errors: errors(workerPoolId),
        histories: histories(workerPoolId),
        usdPerHour: prices.get(priceKey(workerPoolId, config.launchConfigId)),
        late,
      }),
    );
    const isElsewhere = launchConfigs.some(({ isShort }) => !isShort);
    const facts: PoolFacts = {
      workerPoolId,
      scaling: decidable.scaling,
      paused: decidable.pool.paused ? (decidable.pool.pauseReason ?? '') : undefined,
      launchConfigs,
      pending: waiting(workerPoolId).map(({ ageMs, count }) => ({ ageMs, count })),
      claimed: held.reduce((total, { count }) => total + count, 0),
      workers: [
        ...rows.map((row) => workerFacts(row, { running, quarantined, lifetimes, now })),
        ...orders(workerPoolId).flatMap((order) =>
          orderedWorkers(order, isElsewhere && isLate(order, now) ? 'stopping' : 'requested'),
        ),
      ],
      taskMs: times(workerPoolId)[0]?.meanMs,
    };
    return { ...decidable, facts, workers: rows };
  });
};

const isLate = ({ attempts, decided }: store.OpenLaunch, now: Date): boolean =>
  attempts > 1 && now.getTime() - decided.getTime() >= orderLateMs;

/** Launch configs whose orders are not answered in time. */
const lateConfigs = (orders: readonly store.OpenLaunch[], now: Date): ReadonlySet<string> =>
  new Set(orders.filter((order) => isLate(order, now)).map(({ launchConfigId }) => launchConfigId));

const nameInQueue = (worker: { taskQueueId: string; workerGroup: string; workerId: string }): string =>
  `${worker.taskQueueId}/${worker.workerGroup}/${worker.workerId}`;

const launchConfigFacts = (
  { launchConfigId, configuration }: store.LaunchConfigRow,
  known: {
    readonly errors: readonly {
      readonly launchConfigId: string;
      readonly count: number;
      readonly shortages: number;
    }[];
    readonly histories: readonly store.LaunchConfigHistory[];
    readonly usdPerHour: number | undefined;
    readonly late: ReadonlySet<string>;
  },
): LaunchConfigFacts => {
  const errors = known.errors.find((each) => each.launchConfigId === launchConfigId);
  const history = known.histories.find((each) => each.launchConfigId === launchConfigId);
  return {
    launchConfigId,
    ...choiceOf(JSON.parse(configuration) as Configuration),
    errorsLately: errors?.count ?? 0,
    isShort: (errors?.shortages ?? 0) > 0 || known.late.has(launchConfigId),
    boot: history && { p50Ms: history.bootP50Ms, p95Ms: history.bootP95Ms },
    interruptionsPerHour: history?.interruptionsPerHour,
    usdPerHour: known.usdPerHour,
  };
};

type Choice = Pick<
  LaunchConfigFacts,
  | 'capacityPerInstance'
  | 'initialWeight'
  | 'maxCapacity'
  | 'utility'
  | 'minPricePerUtility'
  | 'maxPricePerUtility'
>;

/** The part of a launch config that is about choosing it. Its capacity may also be where the original had it first. */
export const choiceOf = (configuration: Configuration): Choice => {
  const block = (configuration.workerManager ?? {}) as Partial<Choice>;
  const { maxCapacity, utility, minPricePerUtility, maxPricePerUtility } = block;
  return {
    capacityPerInstance: Math.min(
      block.capacityPerInstance ?? (configuration.capacityPerInstance as number | undefined) ?? 1,
      capacityMax,
    ),
    initialWeight: block.initialWeight ?? 1,
    maxCapacity,
    utility,
    minPricePerUtility,
    maxPricePerUtility,
  };
};

/** How long a worker of this launch config lives at most, as its own settings say; see `docs/operating/workers.md`. */
const lifetimeMsOf = ({ workerConfig }: Configuration): number | undefined => {
  const { taskyard } = (workerConfig ?? {}) as { taskyard?: { lifetimeSecondsMax?: unknown } };
  const seconds = taskyard?.lifetimeSecondsMax;
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined;
};

const endOf = (
  { launchConfigId, registered }: store.ProvisionedWorker,
  lifetimes: ReadonlyMap<string, number | undefined>,
): number | undefined => {
  const lifetimeMs = lifetimes.get(launchConfigId ?? '');
  return registered && lifetimeMs !== undefined ? registered.getTime() + lifetimeMs : undefined;
};

const workerFacts = (
  row: store.ProvisionedWorker,
  known: {
    readonly running: ReadonlyMap<string, number>;
    readonly quarantined: ReadonlySet<string>;
    readonly lifetimes: ReadonlyMap<string, number | undefined>;
    readonly now: Date;
  },
): WorkerFacts => {
  const name = keyOf(row);
  const runningTasks = known.running.get(name) ?? 0;
  const isIdle = row.state === 'running' && runningTasks === 0;
  return {
    workerGroup: row.workerGroup,
    workerId: row.workerId,
    launchConfigId: row.launchConfigId ?? undefined,
    state: row.state,
    capacity: row.capacity,
    runningTasks,
    createdAtMs: row.created.getTime(),
    endsAtMs: endOf(row, known.lifetimes),
    idleSinceMs: isIdle ? (row.idleSince ?? known.now).getTime() : undefined,
    isQuarantined: known.quarantined.has(name),
    isDraining: row.isDraining,
    mayLeave: row.shouldTerminate,
  };
};

/** The workers of an order. Those that are not waited for count as if they were ending: they take their room. */
const orderedWorkers = (order: store.OpenLaunch, state: 'requested' | 'stopping'): WorkerFacts[] =>
  Array.from({ length: order.count }, (_, i) => ({
    workerGroup: orderedGroup,
    workerId: `${order.token}/${i}`,
    launchConfigId: order.launchConfigId,
    state,
    capacity: order.capacityPerInstance,
    runningTasks: 0,
    createdAtMs: order.decided.getTime(),
    isQuarantined: false,
    isDraining: false,
    mayLeave: false,
  }));
