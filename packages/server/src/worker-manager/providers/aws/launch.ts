import type { CreateFleetError, CreateFleetInstance } from '@aws-sdk/client-ec2';
import { days, hours, later, minutes, seconds } from '../../../base/index.ts';
import type {
  LaunchOrder,
  LaunchOutcome,
  ProviderContext,
  ProviderError,
  StartedWorker,
} from '../provider.ts';
import { type Call, fleetCall, instancesCall, placesOf, purchasesOf, type Wanted } from './calls.ts';
import { deviations } from './deviations.ts';
import { asProviderError, type Failure, failureOf, launchFailureOf, sortOf } from './failures.ts';
import { type FoundInstance, factsOf, findInstances, findInstancesById, instancesIn } from './instances.ts';
import { type Maker, ofOrder } from './names.ts';
import { avoid, isAvoided, type Memory, type Place, type PlaceFailure, type Purchase } from './places.ts';
import type { Region, Regions } from './regions.ts';
import type { AwsLaunchConfig } from './schema.ts';
import { ensureTemplate, isTemplateMissing, templateFor, templateName } from './templates.ts';
import { userDataOf } from './user-data.ts';

/** What all functions of this provider work with. */
export interface AwsContext {
  readonly deps: ProviderContext;
  readonly regions: Regions;
  maker(): Maker;
}

const ordersAtOnce = 3;
const throttledMinMs = seconds(2);
const throttledMaxMs = minutes(1);
/** Longer than any order is open. */
const callsKeptMs = hours(2);
/** How long what was started is remembered, since a reply may be lost. All of it is read at each call, so it stays small. */
const answeredCallsKeptMs = minutes(10);
const regionKeptMs = days(7);

/** Starts the instances of some orders. Once EC2 throttles calls, the rest waits. */
export const launch = async (
  context: AwsContext,
  orders: readonly LaunchOrder[],
): Promise<readonly LaunchOutcome[]> => {
  const outcomes: LaunchOutcome[] = [];
  for (let i = 0; i < orders.length; i += ordersAtOnce) {
    const known = await context.deps.memory.recall();
    await rememberRegions(context, known, orders);
    const some = orders.slice(i, i + ordersAtOnce);
    outcomes.push(...(await Promise.all(some.map((order) => carryOut(context, known, order)))));
    const throttled = outcomes.find((outcome) => 'outcome' in outcome && outcome.retryAfterMs !== undefined);
    if (throttled) {
      const rest = orders.slice(i + ordersAtOnce);
      return [...outcomes, ...rest.map(({ token }) => ({ ...throttled, token }))];
    }
  }
  return outcomes;
};

const regionName = (region: string): string => `region:${region}`;

/** The regions in which something was started lately. */
export const knownRegions = (known: Memory): string[] =>
  [...known.keys()].flatMap((name) => (name.startsWith('region:') ? [name.slice('region:'.length)] : []));

// Before the first call: its instances must be found again, whatever happens.
const rememberRegions = async ({ deps }: AwsContext, known: Memory, orders: readonly LaunchOrder[]) => {
  const now = deps.clock.now();
  const isOld = (region: string): boolean => {
    const usedAt = known.get(regionName(region)) as string | undefined;
    return usedAt === undefined || now.getTime() - Date.parse(usedAt) > days(1);
  };
  const regions = [...new Set(orders.map(({ configuration }) => String(configuration.region)))].filter(isOld);
  if (regions.length === 0) return;
  const until = later(now, regionKeptMs);
  await deps.memory.remember(
    regions.map((region) => ({ name: regionName(region), value: now.toJSON(), until })),
  );
};

type Unknown = Extract<LaunchOutcome, { readonly outcome: 'unknown' }>;

/** How long to wait after a throttled call: twice as long after each attempt. */
const throttledMs = (attempt: number): number =>
  Math.min(throttledMaxMs, throttledMinMs * 2 ** Math.min(10, attempt - 1));

const unknown = ({ token, attempt }: LaunchOrder, failure: Failure): Unknown => ({
  token,
  outcome: 'unknown',
  error: asProviderError(failure),
  ...(failure.sort === 'throttled' ? { retryAfterMs: throttledMs(attempt) } : {}),
});

const carryOut = async (context: AwsContext, known: Memory, order: LaunchOrder): Promise<LaunchOutcome> => {
  const { region } = order.configuration as unknown as AwsLaunchConfig;
  try {
    const ec2 = await context.regions.in(region);
    // EC2 promises that a call with the same token starts nothing twice. Instances that we see need no such promise.
    const before =
      order.attempt > 1 ? await findInstances(ec2.reader, ofOrder(context.maker(), order.token)) : [];
    if (before.length > 0) {
      return { token: order.token, workers: before.map((one) => startedWorker(region, one)), errors: [] };
    }
    return await buy(context, { order, ec2, known });
  } catch (error) {
    const failure = failureOf(error);
    if (failure.sort === 'throttled' || failure.sort === 'unknown') return unknown(order, failure);
    return { token: order.token, workers: [], errors: [asProviderError(failure)] };
  }
};

interface Buying {
  readonly order: LaunchOrder;
  readonly ec2: Region;
  readonly known: Memory;
}

/** The instances that a call started, and the errors that prevented more. */
interface Bought {
  readonly workers: readonly StartedWorker[];
  readonly failures: readonly PlaceFailure[];
  readonly errors?: readonly ProviderError[];
}

const buy = async (context: AwsContext, buying: Buying): Promise<LaunchOutcome> => {
  const { order, known } = buying;
  const config = order.configuration as unknown as AwsLaunchConfig;
  const written = new Map(Object.entries((known.get(callsName(order.token)) ?? {}) as Record<string, Call>));
  const workers: StartedWorker[] = [];
  const failures: PlaceFailure[] = [];
  const errors: ProviderError[] = [];
  for (const purchase of purchasesOf(config)) {
    const wanted: Wanted = { order, purchase, count: order.count - workers.length };
    if (wanted.count <= 0) break;
    const call = written.get(purchase) ?? (await prepare(context, buying, wanted));
    if (!('kind' in call)) {
      errors.push(call.error);
      continue;
    }
    if (!written.has(purchase)) {
      await write(context, order.token, { calls: written.set(purchase, call), keptMs: callsKeptMs });
    }
    const bought = await send(context, buying, { call, purchase });
    if ('outcome' in bought) return bought;
    workers.push(...bought.workers);
    failures.push(...bought.failures);
    errors.push(...(bought.errors ?? []));
  }
  await avoid(context.deps, known, failures);
  if (written.size > 0) await write(context, order.token, { calls: written, keptMs: answeredCallsKeptMs });
  if (workers.length < order.count) errors.push(...summed(failures));
  if (workers.length === 0 && errors.length === 0) errors.push(nothingStarted);
  return { token: order.token, workers, errors };
};

const callsName = (token: string): string => `order:${token}`;

/** Stored before a call is sent: a repeated call must be the same, also when other places are avoided by then. */
const write = (
  { deps }: AwsContext,
  token: string,
  { calls, keptMs }: { calls: ReadonlyMap<string, Call>; keptMs: number },
): Promise<void> =>
  deps.memory.remember([
    {
      name: callsName(token),
      value: Object.fromEntries(calls),
      until: later(deps.clock.now(), keptMs),
    },
  ]);

const prepare = async (
  context: AwsContext,
  { order, ec2, known }: Buying,
  wanted: Wanted,
): Promise<Call | { readonly error: ProviderError }> => {
  const maker = context.maker();
  const config = order.configuration as unknown as AwsLaunchConfig;
  const userData = userDataOf(maker, order);
  if (userData === undefined) return { error: tooLong };
  const now = context.deps.clock.now();
  const places = placesOf(config, wanted.purchase).filter((place) => !isAvoided(known, place, now));
  if (places.length === 0) return { error: nowhere(config, wanted.purchase) };
  if (!config.fleet) return instancesCall(maker, wanted, userData);
  const template = templateFor(maker, order, userData);
  await ensureTemplate(context.deps, { ec2: ec2.reader, region: config.region, known }, template);
  return fleetCall(maker, wanted, { template: template.name, places });
};

const tooLong: ProviderError = {
  kind: 'creation-error',
  title: 'User data is too long',
  description:
    'What instances are told at their start may have 16 KiB: workerConfig or additionalUserData is too long.',
  code: 'UserDataTooLong',
};

/** A fleet that is accepted may start nothing, and say nothing about it. */
const nothingStarted: ProviderError = {
  kind: 'creation-error',
  title: 'EC2 started nothing',
  description: 'EC2 accepted the call and started no instance, without saying why.',
  code: 'NothingStarted',
  isPassing: true,
  isShortage: true,
};

const nowhere = ({ region }: AwsLaunchConfig, purchase: Purchase): ProviderError => ({
  kind: 'creation-error',
  title: 'EC2 has no capacity',
  description: `Everywhere in ${region} there was no capacity lately (${purchase}); it was not asked for again.`,
  code: 'NoCapacityLately',
  isPassing: true,
  isShortage: true,
});

interface Sent {
  readonly call: Call;
  readonly purchase: Purchase;
}

const send = async (context: AwsContext, buying: Buying, sent: Sent): Promise<Bought | Unknown> => {
  const { order } = buying;
  const { region } = order.configuration as unknown as AwsLaunchConfig;
  try {
    return await (sent.call.kind === 'fleet'
      ? createFleet(buying, sent.call, sent.purchase)
      : runInstances(buying, sent.call));
  } catch (error) {
    // A call that is repeated may have had its effect the first time, whatever the answer is now.
    const failure = order.attempt === 1 ? launchFailureOf(error) : failureOf(error);
    if (sent.call.kind === 'fleet' && isTemplateMissing(failure.code)) {
      // The call had no effect, so the next one may differ.
      await context.deps.memory.forget([templateName(region, sent.call.template), callsName(order.token)]);
      return unknown(order, failure);
    }
    if (failure.sort === 'throttled' || failure.sort === 'unknown') return unknown(order, failure);
    const now = context.deps.clock.now();
    const places = placesOf(order.configuration as unknown as AwsLaunchConfig, sent.purchase);
    // Those that are avoided were not asked for.
    const asked = places.find((place) => !isAvoided(buying.known, place, now)) ?? places[0];
    return { workers: [], failures: asked ? [{ place: asked, failure }] : [] };
  }
};

const runInstances = async (
  { order, ec2 }: Buying,
  { input }: Extract<Call, { kind: 'instances' }>,
): Promise<Bought> => {
  const { region } = order.configuration as unknown as AwsLaunchConfig;
  const reservation = await ec2.runInstances(input);
  return {
    workers: instancesIn([reservation]).map((instance) => startedWorker(region, instance)),
    failures: [],
  };
};

const createFleet = async (
  { order, ec2 }: Buying,
  { input }: Extract<Call, { kind: 'fleet' }>,
  purchase: Purchase,
): Promise<Bought> => {
  const config = order.configuration as unknown as AwsLaunchConfig;
  const { region } = config;
  const { Instances = [], Errors = [] } = await ec2.createFleet(input);
  const ids = Instances.flatMap(({ InstanceIds = [] }) => InstanceIds);
  // The reply says little about them. The next sweep reads the rest.
  const found = ids.length > 0 ? await findInstancesById(ec2.reader, ids).catch(() => []) : [];
  const byId = new Map(found.map((instance) => [instance.InstanceId, instance]));
  const workers = Instances.flatMap((some) =>
    (some.InstanceIds ?? []).map((id) => {
      const instance = byId.get(id);
      return instance
        ? startedWorker(region, instance)
        : { workerGroup: region, workerId: id, facts: briefFacts(region, some) };
    }),
  );
  const failures = Errors.map((error) => ({
    place: placeOf(config, error, purchase),
    failure: failureIn(error),
  }));
  return { workers, failures, errors: deviations(config.fleet, found) };
};

/** What has gone wrong in one place says nothing of the call, which had its effect: at worst there is no capacity. */
const failureIn = ({ ErrorCode: code = 'Error', ErrorMessage: message = '' }: CreateFleetError): Failure => {
  const sort = sortOf(code);
  return { code, message, sort: sort === 'unknown' || sort === 'throttled' ? 'no-capacity' : sort };
};

const placeOf = (
  { region, fleet }: AwsLaunchConfig,
  { LaunchTemplateAndOverrides }: CreateFleetError,
  purchase: Purchase,
): Place => {
  const { InstanceType, SubnetId, AvailabilityZone } = LaunchTemplateAndOverrides?.Overrides ?? {};
  const subnet = fleet?.subnets?.find(({ subnetId }) => subnetId === SubnetId);
  return {
    region,
    instanceType: InstanceType ?? 'any',
    zone: AvailabilityZone ?? subnet?.availabilityZone ?? 'any',
    purchase,
  };
};

const briefFacts = (
  region: string,
  { InstanceType, Lifecycle, LaunchTemplateAndOverrides }: CreateFleetInstance,
) => {
  const zone = LaunchTemplateAndOverrides?.Overrides?.AvailabilityZone;
  return {
    region,
    instanceType: InstanceType,
    purchase: Lifecycle === 'spot' ? 'spot' : 'on-demand',
    ...(zone ? { zone } : {}),
  };
};

const startedWorker = (region: string, instance: FoundInstance): StartedWorker => ({
  workerGroup: region,
  workerId: instance.InstanceId,
  facts: factsOf(region, instance),
});

/** One error for each code, with the places in which it came up. */
const summed = (failures: readonly PlaceFailure[]): ProviderError[] => {
  const firsts = new Map(failures.toReversed().map(({ failure }) => [failure.code, failure]));
  return [...firsts.values()].map((failure) => {
    const some = failures.filter((one) => one.failure.code === failure.code);
    const places = some.map(({ place }) => `${place.instanceType}/${place.zone}/${place.purchase}`);
    return asProviderError(failure, { places: [...new Set(places)].slice(0, 50) });
  });
};
