import { sum } from './decision.ts';
import type { LaunchConfigFacts, PoolFacts, WorkerFacts } from './facts.ts';

/** How likely a launch config is chosen, or why it is not. */
export interface Weighed {
  readonly launchConfig: LaunchConfigFacts;
  /** Not above zero when it may not be chosen. */
  readonly weight: number;
  /** Capacity that it may still start. */
  readonly remaining: number;
  /** In words, where something speaks against it. */
  readonly remark?: string | undefined;
}

/** The weight that the only launch config left keeps, whatever its errors: otherwise a pool could never recover. */
const weightOfLast = 0.01;

/**
 * The weights of the original: what the config gives it, less the share of its limit that is there already, less its
 * share of the errors of the last hour. Errors are forgotten after that hour, so that it wins its weight back.
 * A pool may add that prices count.
 */
export const weigh = (facts: PoolFacts): Weighed[] => {
  const { launchConfigs, scaling, taskMs = 0 } = facts;
  const existing = existingByLaunchConfig(facts.workers);
  const errors = sum(launchConfigs, ({ errorsLately }) => errorsLately);
  const weighed = launchConfigs.map((launchConfig): Weighed => {
    const { launchConfigId, initialWeight, errorsLately } = launchConfig;
    const limit = Math.min(launchConfig.maxCapacity ?? scaling.maxCapacity, scaling.maxCapacity);
    const there = existing.get(launchConfigId) ?? 0;
    const remaining = Math.max(0, limit - there);
    if (remaining < launchConfig.capacityPerInstance) {
      return { launchConfig, weight: 0, remaining, remark: `has ${there} of at most ${limit} places` };
    }
    const price = pricePerUtility(launchConfig);
    const { maxPricePerUtility = Number.POSITIVE_INFINITY } = launchConfig;
    if (price !== undefined && price > maxPricePerUtility) {
      const remark = `costs ${usd(price)} for a unit of utility, above ${usd(maxPricePerUtility)}`;
      return { launchConfig, weight: 0, remaining: 0, remark };
    }
    const share = errors === 0 ? 0 : errorsLately / errors;
    const remark = errorsLately > 0 ? `has ${errorsLately} of ${errors} errors of the last hour` : undefined;
    return { launchConfig, weight: initialWeight - there / limit - share, remaining, remark };
  });
  return byPrice(elsewhere(keepLast(weighed)), scaling.priceSensitivity, taskMs);
};

const existingByLaunchConfig = (workers: readonly WorkerFacts[]): ReadonlyMap<string, number> => {
  const existing = new Map<string, number>();
  for (const { launchConfigId, capacity, isQuarantined } of workers) {
    if (launchConfigId !== undefined && !isQuarantined)
      existing.set(launchConfigId, (existing.get(launchConfigId) ?? 0) + capacity);
  }
  return existing;
};

const keepLast = (weighed: readonly Weighed[]): readonly Weighed[] => {
  const [only, ...others] = weighed.filter(
    ({ remaining, launchConfig }) => remaining > 0 && launchConfig.initialWeight > 0,
  );
  if (!only || others.length > 0 || only.weight > 0) return weighed;
  return weighed.map((each) => (each === only ? { ...each, weight: weightOfLast } : each));
};

/** Work goes where there is capacity, as long as there is such a place; errors of that kind take no weight for later. */
const elsewhere = (weighed: readonly Weighed[]): readonly Weighed[] => {
  const isOpen = ({ weight, launchConfig }: Weighed): boolean => weight > 0 && !launchConfig.isShort;
  if (!weighed.some(isOpen)) return weighed;
  return weighed.map((each) =>
    each.launchConfig.isShort
      ? { ...each, weight: 0, remark: 'had no capacity, or no answer, some moments ago' }
      : each,
  );
};

const usd = (price: number): string => `$${Number(price.toPrecision(3))}`;

/**
 * The price of a unit of utility: the comparison of the first provisioner (2014). A price below the least one counts as
 * that one: launch configs that are all cheap enough are not told apart, and the load spreads over them.
 */
const pricePerUtility = (launchConfig: LaunchConfigFacts): number | undefined => {
  const { usdPerHour, utility = launchConfig.capacityPerInstance, minPricePerUtility = 0 } = launchConfig;
  return usdPerHour === undefined ? undefined : Math.max(minPricePerUtility, usdPerHour / utility);
};

/**
 * An interruption costs half a task and a boot. The first provisioner multiplied prices by a bias out of the rate at
 * which instances were killed; this is what such a bias stands for.
 */
const withInterruptions = (price: number, launchConfig: LaunchConfigFacts, taskMs: number): number => {
  const { interruptionsPerHour = 0, boot } = launchConfig;
  const lostMs = taskMs / 2 + (boot?.p50Ms ?? 0);
  const lostShare = Math.min(0.9, (interruptionsPerHour * lostMs) / 3_600_000);
  return price / (1 - lostShare);
};

const byPrice = (weighed: readonly Weighed[], sensitivity: number, taskMs: number): Weighed[] => {
  const priceOf = ({ launchConfig }: Weighed): number | undefined => {
    const price = pricePerUtility(launchConfig);
    return price === undefined ? undefined : withInterruptions(price, launchConfig, taskMs);
  };
  const prices = weighed.flatMap((each) => (each.weight > 0 ? (priceOf(each) ?? []) : []));
  const lowest = Math.min(...prices);
  if (sensitivity === 0 || !(lowest > 0) || !Number.isFinite(lowest)) return [...weighed];
  return weighed.map((each) => {
    const price = priceOf(each);
    if (price === undefined || each.weight <= 0) return each;
    const remark = [each.remark, `${usd(price)} for a unit of utility`].filter(Boolean).join(', ');
    return { ...each, weight: each.weight * (lowest / price) ** sensitivity, remark };
  });
};
