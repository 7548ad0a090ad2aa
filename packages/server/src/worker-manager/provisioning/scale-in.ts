import { aboutWorker, counted, type Decision, lasting } from './decision.ts';
import type { LaunchConfigFacts, Moment, PoolFacts, WorkerFacts } from './facts.ts';
import type { ScaleIn } from './scaling.ts';
import { archivedIn, takesTasks } from './tally.ts';

/** A little more than two rounds: a worker that is to end before its next billing period must end in one of them. */
const beforePeriodEndsMs = 25_000;
/** Workers with more of their capacity in use are not drained: others would have to boot for their tasks. */
const drainedBelowShare = 0.75;

/** How much of the capacity may end. */
export interface Surplus {
  /** Capacity that is not needed. */
  readonly capacity: number;
  /** Capacity that may end without the pool falling below its floor. */
  readonly aboveFloor: number;
}

/** Ends workers that were kept from further tasks, and run none. */
export const endDrained = (facts: PoolFacts): Decision[] =>
  facts.workers
    .filter(({ state, runningTasks, isDraining }) => isDraining && state === 'running' && runningTasks === 0)
    .map((worker) => aboutWorker('terminate', worker, 'It was drained, and runs nothing any more.'));

/** Drains idle workers whose launch config is archived. */
export const drainArchived = (facts: PoolFacts): Decision[] => {
  const isArchived = archivedIn(facts);
  return facts.workers
    .filter((worker) => worker.state === 'running' && takesTasks(worker) && worker.runningTasks === 0)
    .filter(isArchived)
    .map((worker) => aboutWorker('drain', worker, 'It is idle, and its launch config is archived.'));
};

/**
 * Takes back the advice that workers were given before their pool chose which ones end. One that drains has
 * heard it, and goes.
 */
export const takeBackLeave = (facts: PoolFacts): Decision[] => {
  const isArchived = archivedIn(facts);
  return facts.workers
    .filter((worker) => worker.mayLeave && worker.state === 'running' && !worker.isDraining)
    .filter((worker) => !isArchived(worker))
    .map((worker) => aboutWorker('stay', worker, 'The pool itself ends the workers that it does not need.'));
};

interface Candidate {
  readonly worker: WorkerFacts;
  readonly lifeLeftMs: number;
  readonly price: number;
}

/**
 * The idle workers that end, so that no surplus waits until a worker asks: the ones nearest the end of their life first, then
 * the dearest, then the oldest. With a billing period of more than a minute a worker stays while what it has cost already
 * lasts, as docker-worker did in 2015. None is ended at once: it is drained a round before, since it may be
 * claiming a task just now.
 */
export const scaleIn = (
  facts: PoolFacts,
  options: ScaleIn,
  surplus: Surplus,
  { nowMs }: Pick<Moment, 'nowMs'>,
): Decision[] => {
  const prices = pricesPerPlace(facts.launchConfigs);
  const isArchived = archivedIn(facts);
  const candidates = facts.workers
    .filter((worker) => takesTasks(worker) && !isArchived(worker))
    .filter((worker) => isIdleFor(worker, options.idleMs, nowMs))
    .filter((worker) => isPaidPeriodOver(worker, options, nowMs))
    .map(
      (worker): Candidate => ({
        worker,
        lifeLeftMs: worker.endsAtMs === undefined ? Number.POSITIVE_INFINITY : worker.endsAtMs - nowMs,
        price: prices.get(worker.launchConfigId ?? '') ?? 0,
      }),
    )
    .sort(byWhoGoesFirst);
  const decisions: Decision[] = [];
  let left = Math.min(surplus.capacity, surplus.aboveFloor);
  for (const { worker } of candidates) {
    if (worker.capacity > left) continue;
    left -= worker.capacity;
    const idleMs = nowMs - (worker.idleSinceMs ?? nowMs);
    const reason = `Idle for ${lasting(idleMs)}, and ${counted(Math.floor(surplus.capacity), 'place')} more than needed are free.`;
    decisions.push(aboutWorker('drain', worker, reason));
  }
  return decisions;
};

const isIdleFor = ({ state, idleSinceMs, runningTasks }: WorkerFacts, ms: number, nowMs: number): boolean =>
  state === 'running' && runningTasks === 0 && idleSinceMs !== undefined && nowMs - idleSinceMs >= ms;

/** A shorter billing period lets workers end at any time. */
const billingPeriodMinMs = 60_000;

const periodLeftMs = ({ createdAtMs }: WorkerFacts, { billingPeriodMs }: ScaleIn, nowMs: number): number =>
  billingPeriodMs - ((nowMs - createdAtMs) % billingPeriodMs);

const isPaidPeriodOver = (worker: WorkerFacts, options: ScaleIn, nowMs: number): boolean =>
  options.billingPeriodMs <= billingPeriodMinMs || periodLeftMs(worker, options, nowMs) <= beforePeriodEndsMs;

/** When the paid period of a worker next begins to end, or has ended: never where it is too short to count. */
export const nextPeriodEndMs = (worker: WorkerFacts, options: ScaleIn, nowMs: number): number => {
  if (options.billingPeriodMs <= billingPeriodMinMs) return Number.POSITIVE_INFINITY;
  const leftMs = periodLeftMs(worker, options, nowMs);
  return nowMs + (leftMs > beforePeriodEndsMs ? leftMs - beforePeriodEndsMs : leftMs);
};

const byWhoGoesFirst = (a: Candidate, b: Candidate): number => {
  if (a.lifeLeftMs !== b.lifeLeftMs) return a.lifeLeftMs - b.lifeLeftMs;
  return b.price - a.price || a.worker.createdAtMs - b.worker.createdAtMs;
};

const pricesPerPlace = (launchConfigs: readonly LaunchConfigFacts[]): ReadonlyMap<string, number> =>
  new Map(
    launchConfigs.map(({ launchConfigId, usdPerHour = 0, capacityPerInstance }) => [
      launchConfigId,
      usdPerHour / capacityPerInstance,
    ]),
  );

/**
 * Packing: which workers run empty, so that what is left to do comes together on the others and whole workers can go.
 * The emptiest first, and none that is not surplus as a whole.
 */
export const drain = (facts: PoolFacts, surplus: Surplus): Decision[] => {
  const emptiestFirst = facts.workers
    .filter((worker) => worker.state === 'running' && takesTasks(worker) && worker.runningTasks > 0)
    .filter(({ runningTasks, capacity }) => runningTasks < drainedBelowShare * capacity)
    .sort((a, b) => a.runningTasks / a.capacity - b.runningTasks / b.capacity);
  const decisions: Decision[] = [];
  let left = Math.min(surplus.capacity, surplus.aboveFloor);
  for (const worker of emptiestFirst) {
    if (worker.capacity > left) continue;
    left -= worker.capacity;
    const reason = `It runs ${counted(worker.runningTasks, 'task')} in ${worker.capacity} places, and others have context for as much.`;
    decisions.push(aboutWorker('drain', worker, reason));
  }
  return decisions;
};

/** Draining workers that take tasks again instead of others being launched: they need no boot. */
export const resume = (facts: PoolFacts, capacity: number): { decisions: Decision[]; capacity: number } => {
  const fullestLast = facts.workers
    // A worker that was told to end does not come back.
    .filter((worker) => worker.isDraining && !worker.mayLeave)
    .filter((worker) => worker.state === 'running' && !worker.isQuarantined)
    .sort((a, b) => a.runningTasks / a.capacity - b.runningTasks / b.capacity);
  const decisions: Decision[] = [];
  let missing = capacity;
  for (const worker of fullestLast) {
    if (missing <= 0) break;
    missing -= worker.capacity - worker.runningTasks;
    const reason = 'More places are needed, and it has not ended yet.';
    decisions.push(aboutWorker('resume', worker, reason));
  }
  return { decisions, capacity: Math.max(0, missing) };
};
