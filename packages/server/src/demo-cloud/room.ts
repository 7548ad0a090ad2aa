import type { Call } from './call.ts';
import type { Place } from './conditions.ts';
import { isAlive } from './state.ts';

/** How many more instances there can be in a place. */
export const roomIn = ({ state, conditions }: Pick<Call, 'state' | 'conditions'>, place: Place): number => {
  const there = [...state.instances.values()].filter(
    (instance) =>
      isAlive(instance) &&
      instance.place.zone === place.zone &&
      instance.place.instanceType === place.instanceType &&
      instance.place.purchase === place.purchase,
  );
  return Math.max(0, conditions.capacityOf(place) - there.length);
};

/** Subnets are not made here: the last letter of an id says in which zone it is. */
export const zoneOfSubnet = (region: string, subnetId: string): string =>
  `${region}${subnetId.at(-1) ?? 'a'}`;
