import { counted } from './decision.ts';
import type { Floor, Scaling } from './scaling.ts';
import type { Tally } from './tally.ts';

/** How much capacity is to be started, and why. */
export interface Wanted {
  readonly capacity: number;
  readonly reason: string;
}

/**
 * The estimator of the original: a place for each task that waits, times `scalingRatio`, less the places that are free
 * or on their way, between the floor and the most. What is requested is subtracted twice, as there: a push that goes on
 * while its first workers boot is served late. Our aim at a pending time does not do so.
 */
export const estimate = (scaling: Scaling, floor: Floor, tally: Tally): Wanted => {
  const { existing, requested, stopping, pending, claimed } = tally;
  const idle = Math.max(0, existing - claimed);
  const uncovered = Math.max(0, pending - idle);
  const nonStopped = existing + stopping;
  const wanted = Math.min(uncovered * scaling.scalingRatio + nonStopped, scaling.maxCapacity);
  const desired = Math.max(floor.capacity, wanted);
  const capacity = Math.ceil(Math.max(0, Math.max(0, desired - nonStopped) - requested));
  if (capacity > 0 && floor.capacity > wanted) return { capacity, reason: reasonOfFloor(floor, tally) };
  const ratio = scaling.scalingRatio === 1 ? '' : `, at ${scaling.scalingRatio} places a task`;
  return {
    capacity,
    reason: `${counted(pending, 'task')} wait${pending === 1 ? 's' : ''}, ${idle} of ${counted(existing, 'place')} are free or coming${ratio}`,
  };
};

/** The wanted capacity, but at least that of the floor. */
export const atLeastFloor = (wanted: Wanted, floor: Floor, tally: Tally): Wanted => {
  const missing = floor.capacity - tally.existing;
  if (missing <= 0 || missing < wanted.capacity) return wanted;
  return { capacity: missing, reason: reasonOfFloor(floor, tally) };
};

const reasonOfFloor = ({ capacity, isWarm }: Floor, { existing }: Tally): string =>
  `${isWarm ? 'the warm minimum of this hour' : 'the least capacity'} is ${capacity}, and ${existing} are there`;
