import type { _InstanceType } from '@aws-sdk/client-ec2';
import { later, minutes } from '../../../base/index.ts';
import type { Price, PricedConfig } from '../provider.ts';
import { placesOf, purchasesOf } from './calls.ts';
import { failureOf } from './failures.ts';
import type { AwsContext } from './launch.ts';
import { allPages } from './pages.ts';
import { isAvoided, type Memory, type Place } from './places.ts';
import type { AwsLaunchConfig } from './schema.ts';

const freshMs = minutes(5);
const standardProduct = 'Linux/UNIX';

/** USD per hour by type and zone: `m5.large/us-west-2a`. */
type SpotPrices = Readonly<Record<string, number>>;

const typesOf = ({ fleet, launchConfig }: AwsLaunchConfig): readonly string[] =>
  fleet?.instanceTypes ?? (launchConfig?.InstanceType ? [launchConfig.InstanceType] : []);

const isSpot = (config: AwsLaunchConfig): boolean => purchasesOf(config)[0] === 'spot';

const marketOf = ({ region, fleet }: AwsLaunchConfig): string =>
  `prices:${region}/${fleet?.product ?? standardProduct}`;

/** The price of an instance of each launch config now: the lowest that EC2 would take, since it also chooses by price. */
export const readPrices = async (
  context: AwsContext,
  priced: readonly PricedConfig[],
): Promise<readonly Price[]> => {
  const configs = priced.map(({ workerPoolId, launchConfigId, configuration }) => ({
    workerPoolId,
    launchConfigId,
    config: configuration as unknown as AwsLaunchConfig,
  }));
  const known = await context.deps.memory.recall();
  const markets = new Map<string, AwsLaunchConfig[]>();
  for (const { config } of configs.filter(({ config: one }) => isSpot(one))) {
    const market = marketOf(config);
    markets.set(market, [...(markets.get(market) ?? []), config]);
  }
  const pricesOf = new Map<string, SpotPrices>();
  for (const [market, sharing] of markets)
    pricesOf.set(market, await pricesIn(context, known, { market, sharing }));
  const now = context.deps.clock.now();
  return configs.flatMap(({ workerPoolId, launchConfigId, config }) => {
    const usdPerHour = isSpot(config)
      ? leastOf(config, pricesOf.get(marketOf(config)) ?? {}, (place) => isAvoided(known, place, now))
      : config.fleet?.onDemandUsdPerHour;
    return usdPerHour === undefined ? [] : [{ workerPoolId, launchConfigId, usdPerHour }];
  });
};

const leastOf = (
  config: AwsLaunchConfig,
  prices: SpotPrices,
  isOut: (place: Place) => boolean,
): number | undefined => {
  const places = placesOf(config, 'spot').filter((place) => !isOut(place));
  const usable = places.flatMap(({ region, instanceType, zone }) =>
    Object.entries(prices)
      // A config may name no zone, or only a subnet, whose zone we do not know: then any zone may be meant.
      .filter(
        ([where]) =>
          where === `${instanceType}/${zone}` ||
          (!zone.startsWith(region) && where.startsWith(`${instanceType}/`)),
      )
      .map(([, price]) => price),
  );
  return usable.length > 0 ? Math.min(...usable) : undefined;
};

interface Market {
  readonly market: string;
  readonly sharing: readonly AwsLaunchConfig[];
}

/** Prices of all types that these launch configs name; read again when they are old, or a type is missing. */
const pricesIn = async (
  context: AwsContext,
  known: Memory,
  { market, sharing }: Market,
): Promise<SpotPrices> => {
  const types = [...new Set(sharing.flatMap(typesOf))].sort();
  const kept = known.get(market) as { types: readonly string[]; prices: SpotPrices } | undefined;
  if (kept && types.every((type) => kept.types.includes(type))) return kept.prices;
  const [first] = sharing;
  const all = [...new Set([...types, ...(kept?.types ?? [])])];
  const now = context.deps.clock.now();
  try {
    const prices = first ? await askFor(context, first, { all, now }) : {};
    const value = { types: all, prices };
    await context.deps.memory.remember([{ name: market, value, until: later(now, freshMs) }]);
    return prices;
  } catch (error) {
    const { code } = failureOf(error);
    context.deps.log.warn({ market, code }, 'EC2 does not tell the prices of spot instances');
    // Not again at once: decisions are made without prices for a while.
    const value = { types: all, prices: kept?.prices ?? {} };
    await context.deps.memory.remember([{ name: market, value, until: later(now, minutes(1)) }]);
    return value.prices;
  }
};

const askFor = async (
  { regions }: AwsContext,
  { region, fleet }: AwsLaunchConfig,
  { all, now }: { all: readonly string[]; now: Date },
): Promise<SpotPrices> => {
  const { reader } = await regions.in(region);
  const prices: Record<string, number> = {};
  const pages = allPages((token) =>
    reader.describeSpotPriceHistory({
      InstanceTypes: all as _InstanceType[],
      ProductDescriptions: [fleet?.product ?? standardProduct],
      StartTime: now,
      ...token,
    }),
  );
  for await (const page of pages) {
    for (const { InstanceType, AvailabilityZone, SpotPrice, Timestamp } of page.SpotPriceHistory ?? []) {
      const usd = Number(SpotPrice);
      // A price of which it is not known since when it holds is none.
      if (!Timestamp || !(usd > 0)) continue;
      // The newest come first.
      prices[`${InstanceType}/${AvailabilityZone}`] ??= usd;
    }
  }
  return prices;
};
