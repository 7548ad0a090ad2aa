import { randomInt } from 'node:crypto';
import { later, minutes, seconds, slugid, type Transaction, transact } from '../../base/index.ts';
import type { Context } from '../context.ts';
import {
  type Decision,
  decide,
  type Figures,
  figuresOf,
  type Moment,
  restsUntil,
  type WorkerAction,
} from '../provisioning/index.ts';
import * as store from '../store/index.ts';
import type { Configuration } from './launch-configs.ts';
import { machineProviderIds } from './lookups.ts';
import { loseClaims } from './lost-claims.ts';
import {
  type DecidablePool,
  isOrdered,
  type KnownPool,
  type Prices,
  priceKey,
  readFacts,
  scalingOf,
} from './pool-facts.ts';
import { stopping } from './removal.ts';
import { sampleBegin, sampleOf } from './samples.ts';

/** A little less than the period of the loop, so that its next step finds all pools due. */
const roundEveryMs = seconds(8);
/**
 * Decisions to wait that follow each other within this time are kept as one, whatever they say. It is longer than the
 * minute after which a pool that rests is decided about again.
 */
const waitsTogetherMs = minutes(3);
const chanceSteps = 2 ** 32;

const isWorkerDecision = (
  decision: Decision,
): decision is Extract<Decision, { readonly action: WorkerAction }> => 'worker' in decision;

/** A pool that is decided about at some time. */
export interface RoundPool {
  readonly workerPoolId: string;
  /** Whether it counts how long its tasks take. */
  readonly isTimed: boolean;
}

/** The results of a round. */
export interface ProvisioningRound {
  /** How many pools were decided about. */
  readonly count: number;
  /** The pools that exist, of those that were asked for. */
  readonly pools: readonly RoundPool[];
  /** Those that have nothing to do until something happens to them, or until this time in milliseconds since 1970. */
  readonly resting: ReadonlyMap<string, number>;
}

interface RoundOptions {
  readonly atOnce: readonly string[];
  readonly limit: number;
  /** The pools to look at; by default all. */
  readonly among?: readonly string[] | null;
}

/**
 * Decides about pools whose round is due, and about those that are wanted at once: at most this many. The decisions are
 * written in one transaction with what follows from them, but for what providers have to do.
 */
export const provision = async (
  context: Context,
  { atOnce, limit, among = null }: RoundOptions,
): Promise<ProvisioningRound> => {
  const providerIds = machineProviderIds(context);
  if (providerIds.length === 0) return { count: 0, pools: [], resting: new Map() };
  const rows = await store.poolsToProvision(context.db, { providerIds, workerPoolIds: among });
  const pools = rows.flatMap((pool) => readable(context, pool, providerIds));
  const prices = await readPrices(
    context,
    pools.map(({ pool }) => pool),
  );
  const done = await transact(context, async (tx, now) => {
    const taken = await takePools(tx, pools, { atOnce, now, limit });
    if (taken.length === 0) return { count: 0, lost: [], resting: [] };
    const known = await readFacts(tx, taken, { now, prices });
    return { count: taken.length, ...(await act(context, tx, { known, now })) };
  });
  await loseClaims(context, done.lost);
  const timed = new Map(pools.map(({ pool, scaling }) => [pool.workerPoolId, scaling]));
  return {
    count: done.count,
    pools: rows.map(({ workerPoolId }) => ({
      workerPoolId,
      isTimed: timed.get(workerPoolId)?.aimedPendingMs !== undefined,
    })),
    resting: new Map([...unreadable(rows, pools), ...done.resting]),
  };
};

/** Pools whose config cannot be read: each is told of again when all are looked at. */
const unreadable = (
  rows: readonly store.PoolRow[],
  pools: readonly DecidablePool[],
): (readonly [string, number])[] => {
  const read = new Set(pools.map(({ pool }) => pool.workerPoolId));
  return rows
    .filter(({ workerPoolId }) => !read.has(workerPoolId))
    .map(({ workerPoolId }) => [workerPoolId, Number.POSITIVE_INFINITY]);
};

const readable = ({ log }: Context, pool: store.PoolRow, providerIds: readonly string[]): DecidablePool[] => {
  try {
    return [{ pool, scaling: scalingOf(pool, providerIds) }];
  } catch (err) {
    log.error({ err, workerPoolId: pool.workerPoolId }, 'the config of a pool cannot be read');
    return [];
  }
};

const takePools = async (
  tx: Transaction,
  pools: readonly DecidablePool[],
  { atOnce, now, limit }: { atOnce: readonly string[]; now: Date; limit: number },
): Promise<DecidablePool[]> => {
  const names = pools.map(({ pool }) => nameOfRound(pool.workerPoolId));
  const wanted = new Set(atOnce.map(nameOfRound));
  const until = later(now, roundEveryMs);
  const hurried = names.filter((name) => wanted.has(name));
  const taken = [
    ...(await store.takeRounds(tx, hurried, { isAtOnce: true, now, until, limit })),
    ...(await store.takeRounds(tx, names, { isAtOnce: false, now, until, limit })),
  ];
  const ours = new Set(taken);
  return pools.filter(({ pool }) => ours.has(nameOfRound(pool.workerPoolId)));
};

const nameOfRound = (workerPoolId: string): string => `pool:${workerPoolId}`;

const readPrices = async (context: Context, pools: readonly store.PoolRow[]): Promise<Prices> => {
  const prices = new Map<string, number>();
  const priced = pools.filter(({ providerId }) => context.providers.get(providerId)?.machines?.prices);
  if (priced.length === 0) return prices;
  const configs = await store.activeLaunchConfigs(
    context.db,
    priced.map(({ workerPoolId }) => workerPoolId),
  );
  const providerOf = new Map(priced.map(({ workerPoolId, providerId }) => [workerPoolId, providerId]));
  for (const providerId of new Set(providerOf.values())) {
    const theirs = configs
      .filter(({ workerPoolId }) => providerOf.get(workerPoolId) === providerId)
      .map((row) => ({ ...row, configuration: JSON.parse(row.configuration) as Configuration }));
    try {
      const known = await context.providers.get(providerId)?.machines?.prices?.(theirs);
      for (const { workerPoolId, launchConfigId, usdPerHour } of known ?? []) {
        prices.set(priceKey(workerPoolId, launchConfigId), usdPerHour);
      }
    } catch (err) {
      context.log.warn({ err, providerId }, 'prices are not known');
    }
  }
  return prices;
};

interface Round {
  readonly known: readonly KnownPool[];
  readonly now: Date;
}

interface Acted {
  /** Workers that lose what they have claimed. */
  readonly lost: readonly store.WorkerRef[];
  /** Pools that are left alone, and until when. */
  readonly resting: readonly (readonly [workerPoolId: string, untilMs: number])[];
}

/** Decides, and writes what follows. */
const act = async (context: Context, tx: Transaction, { known, now }: Round): Promise<Acted> => {
  const random = () => randomInt(chanceSteps - 1) / chanceSteps;
  const decided = known.flatMap((each) => decisionsOf(context, each, { nowMs: now.getTime(), random }));
  await keep(tx, decided, now);
  await store.writeFigures(
    tx,
    decided.map(({ pool: { workerPoolId }, figures }) => ({
      name: nameOfRound(workerPoolId),
      workerPoolId,
      ...figures,
    })),
  );
  await store.addSamples(
    tx,
    known.map(({ facts }) => sampleOf(facts, isOrdered)),
    { begins: sampleBegin(now), now },
  );
  await store.writeIdle(
    tx,
    known.flatMap((each) => idleChanges(each, now)),
  );
  const about = decided.flatMap(({ pool, decisions }) =>
    decisions.filter(isWorkerDecision).map(({ action, worker, reason }) => ({
      action,
      reason,
      ref: { workerPoolId: pool.workerPoolId, ...worker },
    })),
  );
  const among = (...actions: WorkerAction[]) => about.filter(({ action }) => actions.includes(action));
  const leaving = among('may-leave', 'stay').map(({ action, ref, reason }) => ({
    ...ref,
    shouldTerminate: action === 'may-leave',
    reason,
  }));
  if (leaving.length > 0) await store.writeLeaving(tx, leaving);
  const draining = among('drain', 'resume').map(({ action, ref }) => ({
    ...ref,
    isDraining: action === 'drain',
  }));
  if (draining.length > 0) await store.writeDraining(tx, draining);
  const ending = among('terminate').map(({ ref, reason }) => ({ ref, reason }));
  const lost = ending.length > 0 ? await stopping(tx, ending, now) : [];
  const hasOrders = decided.some(({ decisions }) => decisions.some(({ action }) => action === 'launch'));
  if (hasOrders || ending.length > 0 || draining.length > 0) tx.afterCommit(() => context.changed.wake());
  return { lost, resting: decided.flatMap((each) => restOf(each, now)) };
};

/** An order that is open may come to anything at any time. */
const restOf = ({ pool, facts, decisions }: DecidedPool, now: Date): (readonly [string, number])[] => {
  const untilMs = facts.workers.some(isOrdered) ? undefined : restsUntil(facts, decisions, now.getTime());
  return untilMs === undefined ? [] : [[pool.workerPoolId, untilMs]];
};

/** A pool that cannot be decided about keeps no other one waiting. */
const decisionsOf = (context: Context, known: KnownPool, moment: Moment): DecidedPool[] => {
  try {
    const decisions = decide(known.facts, moment).filter(
      (decision) => !isWorkerDecision(decision) || !isOrdered(decision.worker),
    );
    return [{ ...known, decisions, figures: figuresOf(known.facts, moment) }];
  } catch (err) {
    context.log.error({ err, workerPoolId: known.pool.workerPoolId }, 'a pool cannot be decided about');
    return [];
  }
};

interface DecidedPool extends KnownPool {
  readonly decisions: readonly Decision[];
  readonly figures: Figures;
}

/** Keeps decisions; waiting again is noted with the last time. */
const keep = async (tx: Transaction, decided: readonly DecidedPool[], now: Date): Promise<void> => {
  const waits = decided.flatMap(({ pool, decisions }) =>
    decisions.length === 1 && decisions[0]?.action === 'wait'
      ? [{ workerPoolId: pool.workerPoolId, reason: decisions[0].reason }]
      : [],
  );
  const since = later(now, -waitsTogetherMs);
  const repeated = waits.length > 0 ? await store.repeatWaits(tx, waits, { now, since }) : [];
  const known = new Set(repeated.map(({ workerPoolId }) => workerPoolId));
  const news = decided
    .filter(({ pool }) => !known.has(pool.workerPoolId))
    .flatMap((each) => each.decisions.map((decision) => rowOf(each, decision)));
  if (news.length > 0) await store.insertDecisions(tx, news, now);
};

const rowOf = ({ pool, facts }: DecidedPool, decision: Decision): store.NewDecision => {
  const { action, count, reason } = decision;
  const isLaunch = action === 'launch';
  const launchConfigId = isLaunch ? decision.launchConfigId : null;
  const config = facts.launchConfigs.find((each) => each.launchConfigId === launchConfigId);
  const worker = isWorkerDecision(decision) ? decision.worker : undefined;
  return {
    workerPoolId: pool.workerPoolId,
    action,
    count,
    reason,
    launchConfigId,
    workerGroup: worker?.workerGroup ?? null,
    workerId: worker?.workerId ?? null,
    token: isLaunch ? slugid() : null,
    providerId: isLaunch ? pool.providerId : null,
    capacityPerInstance: config?.capacityPerInstance ?? null,
  };
};

/** Workers that have just become idle, or busy. */
const idleChanges = ({ facts, workers }: KnownPool, now: Date) => {
  const idle = new Set(
    facts.workers
      .filter(({ idleSinceMs }) => idleSinceMs !== undefined)
      .map(({ workerGroup, workerId }) => `${workerGroup}/${workerId}`),
  );
  return workers.flatMap((row) => {
    const isIdle = idle.has(`${row.workerGroup}/${row.workerId}`);
    if (isIdle === (row.idleSince !== null)) return [];
    const { workerPoolId, workerGroup, workerId } = row;
    return [{ workerPoolId, workerGroup, workerId, idleSince: isIdle ? now : null }];
  });
};
