import type { Fleet } from './fleet.ts';

/** The observations at the end of a round. */
export interface Sight {
  readonly atMs: number;
  readonly pending: number;
  readonly claimed: number;
  readonly capacity: number;
}

/** The outcome of a simulation. */
export interface Outcome {
  /** Tasks that ended; fewer than there are in the trace when the pool could not run them. */
  readonly finished: number;
  /** Runs that were claimed; more than tasks when workers were taken away. */
  readonly runs: number;
  readonly pendingP50Ms: number;
  readonly pendingP95Ms: number;
  readonly instances: number;
  readonly interruptions: number;
  readonly usd: number;
  /** Paid for places that had registered and ran nothing. */
  readonly idleUsd: number;
  readonly bootUsd: number;
  /** Of the time of all places. */
  readonly idleShare: number;
  readonly bootShare: number;
  readonly lastsMs: number;
  /** At most some hundreds, evenly spread. */
  readonly sights: readonly Sight[];
}

/** Writes down what happens. */
export interface Recorder {
  waited(ms: number): void;
  finished(): void;
  interrupted(): void;
  round(sight: Sight): void;
  outcome(fleet: Pick<Fleet, 'spending' | 'started'>, endMs: number): Outcome;
}

const sightsMax = 800;

/** Every other sight is dropped whenever there are too many, so that they stay evenly spread. */
const keepSights = () => {
  let sights: Sight[] = [];
  let [every, seen] = [1, 0];
  return {
    add: (sight: Sight): void => {
      if (seen++ % every !== 0) return;
      sights.push(sight);
      if (sights.length < 2 * sightsMax) return;
      sights = sights.filter((_, i) => i % 2 === 0);
      every *= 2;
    },
    all: () => sights,
  };
};

/** A recorder whose times count from the start. */
export const recorder = (startsAtMs: number): Recorder => {
  const waits: number[] = [];
  const sights = keepSights();
  let [interruptions, finished] = [0, 0];
  return {
    waited: (ms) => void waits.push(ms),
    finished: () => {
      finished += 1;
    },
    interrupted: () => {
      interruptions += 1;
    },
    round: (sight) => sights.add({ ...sight, atMs: sight.atMs - startsAtMs }),
    outcome: (fleet, endMs) => {
      const sorted = Float64Array.from(waits).sort();
      const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
      const { placeMs, idleMs, bootMs, ...money } = fleet.spending;
      return {
        finished,
        runs: waits.length,
        pendingP50Ms: at(0.5),
        pendingP95Ms: at(0.95),
        instances: fleet.started(),
        interruptions,
        ...money,
        idleShare: placeMs > 0 ? idleMs / placeMs : 0,
        bootShare: placeMs > 0 ? bootMs / placeMs : 0,
        lastsMs: endMs - startsAtMs,
        sights: sights.all(),
      };
    },
  };
};
