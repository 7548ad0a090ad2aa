import { outlook } from './aim.ts';
import { choose, sentence } from './choose.ts';
import { counted, type Decision, sum } from './decision.ts';
import { atLeastFloor, estimate, type Wanted } from './estimate.ts';
import type { Moment, PoolFacts, WorkerFacts, WorkerName } from './facts.ts';
import { overCapacity } from './over-capacity.ts';
import { drain, drainArchived, endDrained, resume, scaleIn, takeBackLeave } from './scale-in.ts';
import { capacityMax, type Floor, floorOf, type ScaleIn, type Scaling } from './scaling.ts';
import { type Tally, tally } from './tally.ts';
import { weigh } from './weights.ts';

/** Spare places that are kept beyond those that are needed, so that a pool does not end what it soon starts again. */
const sparedShare = 0.3;

/** The need of a pool: capacity to start, or spare capacity. */
interface Need {
  readonly wanted: Wanted;
  readonly spare: number;
}

/**
 * Decides about one pool: workers to start by launch config, workers to end, and why. It only decides; the
 * same facts, time and chance give the same decisions. Without options of its own a pool is treated as the original
 * treats it.
 */
export const decide = (facts: PoolFacts, moment: Moment): Decision[] => {
  const { scaling } = facts;
  const floor = floorOf(scaling, moment.nowMs);
  const counts = tally(facts);
  const need = needOf(facts, { floor, counts }, moment);
  const growing = grow(facts, need, counts, moment);
  const isGrowing = growing.some(({ action }) => action !== 'wait');
  const leaving = scaling.scaleIn
    ? shrink(
        without(facts, growing),
        scaling.scaleIn,
        { spare: isGrowing ? 0 : need.spare, floor: floor.capacity, counts },
        moment,
      )
    : [...endDrained(facts), ...overCapacity(facts, floor.capacity, counts)];
  if (growing.length > 0) return [...growing, ...leaving];
  return leaving.length > 0 ? leaving : [restful(need.wanted, counts, scaling)];
};

/** Whether more capacity is wanted than there is or comes. */
export const wantsMore = (facts: PoolFacts, moment: Pick<Moment, 'nowMs'>): boolean => {
  const floor = floorOf(facts.scaling, moment.nowMs);
  return needOf(facts, { floor, counts: tally(facts) }, moment).wanted.capacity > 0;
};

/** What a pool amounts to, for those who watch it. */
export interface Figures {
  /** Capacity that it is to have, between its least and its most. */
  readonly wanted: number;
  /** Places of running workers that a task could be put into now. */
  readonly idle: number;
  /** Of the workers whose price is known, those included that boot. */
  readonly usdPerHour: number;
}

/** The figures of a pool, from the same facts that it is decided about by. */
export const figuresOf = (facts: PoolFacts, moment: Moment): Figures => {
  const floor = floorOf(facts.scaling, moment.nowMs);
  const counts = tally(facts);
  const { wanted, spare } = needOf(facts, { floor, counts }, moment);
  const prices = new Map(
    facts.launchConfigs.map(({ launchConfigId, usdPerHour = 0 }) => [launchConfigId, usdPerHour]),
  );
  return {
    wanted: Math.max(
      floor.capacity,
      Math.min(facts.scaling.maxCapacity, Math.ceil(counts.existing + wanted.capacity - spare)),
    ),
    idle: Math.min(capacityMax, counts.free),
    usdPerHour: sum(facts.workers, ({ launchConfigId }) => prices.get(launchConfigId ?? '') ?? 0),
  };
};

const needOf = (
  facts: PoolFacts,
  { floor, counts }: { floor: Floor; counts: Tally },
  { nowMs }: Pick<Moment, 'nowMs'>,
): Need => {
  const { scaling } = facts;
  if (scaling.aimedPendingMs !== undefined) {
    const { wanted, spare } = outlook(facts, counts, nowMs);
    return { wanted: atLeastFloor(wanted, floor, counts), spare };
  }
  const demand = counts.claimed + counts.pending * scaling.scalingRatio;
  return { wanted: estimate(scaling, floor, counts), spare: Math.max(0, counts.existing - demand) };
};

const grow = (facts: PoolFacts, { wanted }: Need, counts: Tally, moment: Moment): Decision[] => {
  if (wanted.capacity === 0) return [];
  const resumed = facts.scaling.scaleIn ? resume(facts, wanted.capacity) : { decisions: [], ...wanted };
  if (resumed.capacity === 0) return resumed.decisions;
  if (facts.paused !== undefined) return [...resumed.decisions, heldBack(wanted, facts.paused)];
  const context = facts.scaling.maxCapacity - counts.existing - counts.stopping;
  const capacity = Math.min(resumed.capacity, Math.max(0, context));
  const reason =
    capacity < resumed.capacity
      ? `${wanted.reason}; ${counted(resumed.capacity, 'place')} are wanted and ${facts.scaling.maxCapacity} is the most`
      : wanted.reason;
  const launches = choose(weigh(facts), { wanted: { capacity, reason }, context }, moment);
  return [...resumed.decisions, ...launches];
};

const heldBack = ({ reason }: Wanted, why: string): Decision => ({
  action: 'wait',
  count: 0,
  reason: sentence([reason, `the pool is paused, so nothing is started${why ? `: ${why}` : ''}`]),
});

const shrink = (
  facts: PoolFacts,
  options: ScaleIn,
  need: { spare: number; floor: number; counts: Tally },
  moment: Moment,
): Decision[] => {
  const ending = [...endDrained(facts), ...drainArchived(facts), ...endSpare(facts, options, need, moment)];
  return [...ending, ...takeBackLeave(without(facts, ending))];
};

const endSpare = (
  facts: PoolFacts,
  options: ScaleIn,
  { spare, floor, counts }: { spare: number; floor: number; counts: Tally },
  moment: Moment,
): Decision[] => {
  if (spare === 0) return [];
  const needed = counts.existing - spare;
  // What is needed by chance comes and goes; without anything needed all may go.
  const spared = needed > 0 ? Math.ceil(sparedShare * Math.sqrt(needed)) : 0;
  const surplus = { capacity: spare - spared, aboveFloor: counts.existing - floor };
  const ended = scaleIn(facts, options, surplus, moment);
  if (!options.hasPacking) return ended;
  const gone = sum(facts.workers, capacityOf) - sum(without(facts, ended).workers, capacityOf);
  const left = { capacity: surplus.capacity - gone, aboveFloor: surplus.aboveFloor - gone };
  return [...ended, ...drain(facts, left)];
};

const capacityOf = ({ capacity }: WorkerFacts): number => capacity;

/** A pool without the workers that it has been decided about already. */
const without = (facts: PoolFacts, decisions: readonly Decision[]): PoolFacts => {
  const decided = new Set(decisions.flatMap((each) => ('worker' in each ? [keyOf(each.worker)] : [])));
  if (decided.size === 0) return facts;
  return { ...facts, workers: facts.workers.filter((worker) => !decided.has(keyOf(worker))) };
};

const keyOf = ({ workerGroup, workerId }: WorkerName): string => `${workerGroup}/${workerId}`;

const restful = ({ reason }: Wanted, counts: Tally, { maxCapacity }: Scaling): Decision => {
  const { existing, requested, stopping, pending, free, claimed } = counts;
  const isFull = pending > free + requested && existing + stopping >= maxCapacity;
  const booting = requested > 0 ? `, ${requested} more are booting` : '';
  const rest = isFull
    ? `the pool is full: ${maxCapacity} is the most`
    : `${claimed} of ${counted(existing - requested, 'place')} are in use${booting}, which is enough`;
  return { action: 'wait', count: 0, reason: sentence([reason, rest]) };
};
