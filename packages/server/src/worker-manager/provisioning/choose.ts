import { counted, type Decision } from './decision.ts';
import type { Wanted } from './estimate.ts';
import type { Moment } from './facts.ts';
import type { Weighed } from './weights.ts';

/** A pool starts at most this many workers at a time; its next rounds start the others. */
const workersAtOnceMax = 5000;

/**
 * Spreads wanted capacity over launch configs by chance, in proportion to their weights, as the original does. Unlike
 * there the last worker does not take the pool above its most: one that would is not started.
 */
export const choose = (
  weighed: readonly Weighed[],
  { wanted, context }: { readonly wanted: Wanted; readonly context: number },
  { random }: Pick<Moment, 'random'>,
): Decision[] => {
  const counts = new Map<Weighed, number>();
  let [missing, roomLeft] = [wanted.capacity, context];
  let workers = 0;
  const fits = (each: Weighed): boolean => {
    const { capacityPerInstance } = each.launchConfig;
    const taken = (counts.get(each) ?? 0) * capacityPerInstance;
    return each.weight > 0 && capacityPerInstance <= Math.min(roomLeft, each.remaining - taken);
  };
  for (
    let eligible = weighed.filter(fits);
    missing > 0 && eligible.length > 0 && workers < workersAtOnceMax;
    workers++
  ) {
    const chosen = draw(eligible, random());
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    missing -= chosen.launchConfig.capacityPerInstance;
    roomLeft -= chosen.launchConfig.capacityPerInstance;
    eligible = eligible.filter(fits);
  }
  const started = wanted.capacity - Math.max(0, missing);
  if (counts.size === 0) {
    return [{ action: 'wait', count: 0, reason: sentence([wanted.reason, obstacles(weighed, context)]) }];
  }
  const short = missing > 0 ? `only ${started} of ${counted(wanted.capacity, 'place')} can be started` : '';
  return [...counts].map(([{ launchConfig, weight, remark }, count]) => ({
    action: 'launch',
    launchConfigId: launchConfig.launchConfigId,
    count,
    reason: sentence([
      wanted.reason,
      short,
      `${launchConfig.launchConfigId} was drawn ${counted(count, 'time')} by its weight of ${weight.toFixed(2)}` +
        (remark ? ` (${remark})` : ''),
    ]),
  }));
};

const draw = (eligible: readonly Weighed[], chance: number): Weighed => {
  let left = chance * eligible.reduce((total, { weight }) => total + weight, 0);
  for (const each of eligible) {
    left -= each.weight;
    if (left < 0) return each;
  }
  return eligible.at(-1) as Weighed;
};

const obstacles = (weighed: readonly Weighed[], context: number): string => {
  if (weighed.length === 0) return 'the pool has no launch config';
  if (weighed.some(({ weight, launchConfig }) => weight > 0 && launchConfig.capacityPerInstance > context)) {
    return context <= 0
      ? 'the pool is full'
      : `no worker is small enough for the last ${counted(context, 'place')}`;
  }
  const each = weighed.map(
    ({ launchConfig, remark = 'has no weight left' }) => `${launchConfig.launchConfigId} ${remark}`,
  );
  return `no launch config may be used: ${each.join('; ')}`;
};

/** A sentence out of clauses. */
export const sentence = (clauses: readonly string[]): string => {
  const text = clauses.filter(Boolean).join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
};
