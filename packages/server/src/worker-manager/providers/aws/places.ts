import { days, hours, later, minutes } from '../../../base/index.ts';
import type { ProviderContext } from '../provider.ts';
import type { Failure } from './failures.ts';

export type Purchase = 'spot' | 'on-demand';

/** A zone, type and way of paying. Unknown parts are `any`. */
export interface Place {
  readonly region: string;
  readonly instanceType: string;
  readonly zone: string;
  readonly purchase: Purchase;
}

/** A place that had no capacity, and how often in a row. */
interface Lack {
  readonly times: number;
  readonly avoidUntil: string;
}

const avoidFirstMs = minutes(2);
const avoidMaxMs = hours(1);
/** A place that fails again within this time after another try is avoided for longer. */
const rememberMs = hours(1);
/** The zone does not offer the type. */
const avoidUnsupportedMs = days(1);

const nameOf = ({ region, instanceType, zone, purchase }: Place): string =>
  `lack:${region}/${instanceType}/${zone}/${purchase}`;

export type Memory = ReadonlyMap<string, unknown>;

/** A limit of the account holds in all zones. */
const wherever = (place: Place): Place => ({ ...place, zone: 'any' });

/** Whether a place recently had no capacity, so that it is not asked now. */
export const isAvoided = (memory: Memory, place: Place, now: Date): boolean =>
  [place, wherever(place)].some((one) => {
    const lack = memory.get(nameOf(one)) as Lack | undefined;
    return lack !== undefined && new Date(lack.avoidUntil) > now;
  });

export interface PlaceFailure {
  readonly place: Place;
  readonly failure: Failure;
}

/** Remembers places without capacity, for longer each time. */
export const avoid = async (
  { memory, clock }: Pick<ProviderContext, 'memory' | 'clock'>,
  known: Memory,
  failures: readonly PlaceFailure[],
): Promise<void> => {
  const now = clock.now();
  const lacks = new Map<string, { name: string; value: Lack; until: Date }>();
  for (const { place, failure } of failures) {
    if (failure.sort !== 'no-capacity' && failure.sort !== 'limit') continue;
    const name = nameOf(failure.sort === 'limit' ? wherever(place) : place);
    const times = ((known.get(name) as Lack | undefined)?.times ?? 0) + 1;
    const avoidMs =
      failure.code === 'Unsupported'
        ? avoidUnsupportedMs
        : Math.min(avoidMaxMs, avoidFirstMs * 2 ** (times - 1));
    const avoidUntil = later(now, avoidMs);
    lacks.set(name, {
      name,
      value: { times, avoidUntil: avoidUntil.toJSON() },
      until: later(avoidUntil, rememberMs),
    });
  }
  if (lacks.size > 0) await memory.remember([...lacks.values()]);
};
