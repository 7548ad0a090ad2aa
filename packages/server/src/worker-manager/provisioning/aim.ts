import { counted, lasting, sum } from './decision.ts';
import type { Wanted } from './estimate.ts';
import type { BootTimes, PoolFacts } from './facts.ts';
import { type Tally, takesTasks } from './tally.ts';

/** The share of tasks that are to wait no longer than the aim; the others may. */
const aimedShare = 0.95;
/** How many standard deviations the 95th percentile of a normal distribution is above its mean. */
const deviationsAtAim = 1.645;
/**
 * The part of the reserve that workers are started for; they end when more than all of it is free. In between nothing
 * happens. Without that band a pool under a steady load starts and ends twice as many workers, for no shorter waits
 * (measured with the simulator: 7,000 and 2,900 a day for 350 places).
 */
const launchedShare = 0.5;
/** Where no boot has been seen yet. */
const unknownBoot: BootTimes = { p50Ms: 90_000, p95Ms: 180_000 };
/** A worker that has been booting for this many times the 95th percentile is no longer counted on. */
const lostAfterBoots = 2;

/** How soon the places of a pool take tasks. */
interface Supply {
  readonly boot: BootTimes;
  /** Tasks that can start within this many milliseconds if nothing is launched. */
  startsWithin(ms: number): number;
  /** Tasks that a place launched now can start within this many milliseconds. */
  startsOfNewPlace(ms: number): number;
}

/** How a pool develops when nothing is launched, and how much a launch helps. */
export interface Outlook {
  readonly wanted: Wanted;
  /** Free or booting places beyond those that are likely to be needed before a new worker would have booted. */
  readonly spare: number;
}

const bootTimesOf = ({ launchConfigs }: PoolFacts): BootTimes => {
  const seen = launchConfigs.flatMap(({ boot, initialWeight }) => (boot && initialWeight > 0 ? [boot] : []));
  if (seen.length === 0) return unknownBoot;
  return {
    p50Ms: sum(seen, ({ p50Ms }) => p50Ms) / seen.length,
    p95Ms: sum(seen, ({ p95Ms }) => p95Ms) / seen.length,
  };
};

/**
 * Running places become free at the rate at which tasks of the mean duration end, as if a task that has run for long
 * were no nearer to its end: that holds for mixed durations, and errs to the safe side for equal ones in the long run.
 */
const supplyOf = (facts: PoolFacts, tally: Tally, nowMs: number): Supply => {
  const boot = bootTimesOf(facts);
  const turns = facts.taskMs ? 1 / facts.taskMs : 0;
  const bootsInMs: { ms: number; capacity: number }[] = [];
  let busy = 0;
  for (const worker of facts.workers) {
    if (!takesTasks(worker)) continue;
    if (worker.state === 'running') busy += Math.min(worker.capacity, worker.runningTasks);
    else {
      const bootedForMs = nowMs - worker.createdAtMs;
      if (bootedForMs > lostAfterBoots * boot.p95Ms) continue;
      // Past the median it may come any moment, or at the 95th percentile; sooner than one launched now, anyway.
      const lateMs = Math.min(boot.p50Ms, (boot.p95Ms - boot.p50Ms) / 2);
      bootsInMs.push({ ms: Math.max(lateMs, boot.p50Ms - bootedForMs), capacity: worker.capacity });
    }
  }
  return {
    boot,
    startsWithin: (ms) =>
      tally.free * (1 + ms * turns) +
      busy * ms * turns +
      sum(bootsInMs, (booting) =>
        booting.ms <= ms ? booting.capacity * (1 + (ms - booting.ms) * turns) : 0,
      ),
    startsOfNewPlace: (ms) => 1 + Math.max(0, ms - boot.p50Ms) * turns,
  };
};

/** New places without which tasks that wait now would wait for too long. */
const placesForPending = ({ pending }: PoolFacts, supply: Supply, aimedMs: number): number => {
  let [waiting, places] = [0, 0];
  for (const { ageMs, count } of pending) {
    waiting += count;
    // No launch makes a task start before the worker has booted: what is overdue is wanted by then.
    const withinMs = Math.max(aimedMs - ageMs, supply.boot.p50Ms);
    const uncovered = aimedShare * waiting - supply.startsWithin(withinMs);
    places = Math.max(places, uncovered / supply.startsOfNewPlace(withinMs));
  }
  return places;
};

/**
 * Free places that are kept, because what is in use varies: a load that comes at random needs, beside its mean, places
 * in proportion to the root of it. Tasks that may wait for a boot anyway need none.
 */
const reserveOf = ({ claimed }: Tally, supply: Supply, aimedMs: number): number =>
  aimedMs >= supply.boot.p95Ms ? 0 : deviationsAtAim * Math.sqrt(claimed);

/**
 * Capacity for an aimed pending time: as little as lets 95 of 100 tasks start in time, going by the age of those that
 * wait, by the places that become free meanwhile, and by how much the load varies. Unlike the original it launches
 * nothing for a task that a running worker will take sooner than a new one could.
 */
export const outlook = (facts: PoolFacts, tally: Tally, nowMs: number): Outlook => {
  const { scaling } = facts;
  const aimedMs = scaling.aimedPendingMs ?? 0;
  const supply = supplyOf(facts, tally, nowMs);
  const forPending = placesForPending(facts, supply, aimedMs);
  const reserve = reserveOf(tally, supply, aimedMs);
  const coming = Math.max(0, tally.free + tally.requested - tally.pending);
  const kept = Math.floor(launchedShare * reserve);
  const places = forPending + Math.max(0, kept - coming);
  const oldestMs = facts.pending[0]?.ageMs ?? 0;
  const waiting =
    tally.pending === 0
      ? 'no task waits'
      : `${counted(tally.pending, 'task')} wait${tally.pending === 1 ? 's' : ''}, the oldest for ${lasting(oldestMs)}`;
  const besides = kept > coming ? `, ${counted(kept, 'place')} are to be free besides` : '';
  return {
    wanted: {
      capacity: Math.ceil(scaling.scalingRatio * places - 1e-9),
      reason: `${waiting}${besides}; 95 of 100 are to wait no longer than ${lasting(aimedMs)} and a boot takes ${lasting(supply.boot.p50Ms)}`,
    },
    spare: tally.pending > 0 ? 0 : Math.max(0, coming - reserve),
  };
};
