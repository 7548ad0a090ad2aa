import type {
  CreateFleetCommandInput,
  FleetLaunchTemplateOverridesRequest,
  RunInstancesCommandInput,
  TagSpecification,
} from '@aws-sdk/client-ec2';
import type { LaunchOrder } from '../provider.ts';
import { type Maker, tagsOfOrder } from './names.ts';
import type { Place, Purchase } from './places.ts';
import type { AwsLaunchConfig, Fleet, RunInstancesParameters } from './schema.ts';

/** A call that starts instances. It is the same at each attempt, which EC2 demands of calls with one token. */
export type Call =
  | { readonly kind: 'fleet'; readonly template: string; readonly input: CreateFleetCommandInput }
  | { readonly kind: 'instances'; readonly input: RunInstancesCommandInput };

/** The most that EC2 accepts. */
const overridesMax = 300;

/** The ways in which a launch config buys, tried in this order until there are enough instances. */
export const purchasesOf = ({ fleet, launchConfig }: AwsLaunchConfig): readonly Purchase[] => {
  if (!fleet) return [launchConfig?.InstanceMarketOptions?.MarketType === 'spot' ? 'spot' : 'on-demand'];
  const { purchase = 'spot' } = fleet;
  return purchase === 'spot-then-on-demand' ? ['spot', 'on-demand'] : [purchase];
};

/** The places where a launch config may have instances. */
export const placesOf = (config: AwsLaunchConfig, purchase: Purchase): Place[] => {
  const { region, fleet, launchConfig } = config;
  if (!fleet) return launchConfig ? [placeOf(region, launchConfig, purchase)] : [];
  const zones = [...new Set(zonesOf(fleet))];
  return fleet.instanceTypes.flatMap((instanceType) =>
    zones.map((zone) => ({ region, instanceType, zone, purchase })),
  );
};

const zonesOf = ({ subnets, availabilityZones }: Fleet): readonly string[] =>
  subnets?.map(({ availabilityZone }) => availabilityZone) ?? availabilityZones ?? ['any'];

const placeOf = (region: string, parameters: RunInstancesParameters, purchase: Purchase): Place => ({
  region,
  instanceType: parameters.InstanceType ?? 'any',
  zone:
    parameters.Placement?.AvailabilityZone ??
    parameters.SubnetId ??
    parameters.NetworkInterfaces?.[0]?.SubnetId ??
    'any',
  purchase,
});

export interface Wanted {
  readonly order: LaunchOrder;
  readonly count: number;
  readonly purchase: Purchase;
}

/** A call for instances of any of these places. */
export const fleetCall = (
  maker: Maker,
  { order, count, purchase }: Wanted,
  { template, places }: { template: string; places: readonly Place[] },
): Call => {
  const { fleet } = order.configuration as unknown as { readonly fleet: Fleet };
  const tags = tagsOfOrder(maker, order);
  const input: CreateFleetCommandInput = {
    Type: 'instant',
    ClientToken: `${order.token}-${purchase}`,
    LaunchTemplateConfigs: [
      {
        LaunchTemplateSpecification: { LaunchTemplateName: template, Version: '1' },
        Overrides: places.flatMap((place) => overridesFor(fleet, place)).slice(0, overridesMax),
      },
    ],
    TargetCapacitySpecification: { TotalTargetCapacity: count, DefaultTargetCapacityType: purchase },
    ...(purchase === 'spot'
      ? {
          SpotOptions: {
            AllocationStrategy: fleet.allocation ?? 'price-capacity-optimized',
            InstanceInterruptionBehavior: 'terminate',
          },
        }
      : { OnDemandOptions: { AllocationStrategy: 'lowest-price' } }),
    TagSpecifications: [
      { ResourceType: 'fleet', Tags: tags },
      { ResourceType: 'instance', Tags: tags },
    ],
  };
  return { kind: 'fleet', template, input };
};

const overridesFor = (
  { subnets, maxUsdPerHour }: Fleet,
  { instanceType, zone, purchase }: Place,
): FleetLaunchTemplateOverridesRequest[] => {
  const override = {
    InstanceType: instanceType as FleetLaunchTemplateOverridesRequest['InstanceType'],
    ...(maxUsdPerHour !== undefined && purchase === 'spot' ? { MaxPrice: String(maxUsdPerHour) } : {}),
  };
  if (subnets) {
    return subnets
      .filter(({ availabilityZone }) => availabilityZone === zone)
      .map(({ subnetId }) => ({ ...override, SubnetId: subnetId }));
  }
  return [zone === 'any' ? override : { ...override, AvailabilityZone: zone }];
};

/** A call for instances with parameters in the form of the original. */
export const instancesCall = (maker: Maker, { order, count }: Wanted, userData: string): Call => {
  const { launchConfig } = order.configuration as unknown as AwsLaunchConfig;
  const tags = tagsOfOrder(maker, order);
  const given = launchConfig?.TagSpecifications ?? [];
  const besides = given.filter(
    ({ ResourceType }) => ResourceType !== 'instance' && ResourceType !== 'volume',
  );
  const own = (['instance', 'volume'] as const).map((type) => {
    const theirs = given.find(({ ResourceType }) => ResourceType === type)?.Tags ?? [];
    const names = new Set(tags.map(({ Key }) => Key));
    return { ResourceType: type, Tags: [...theirs.filter(({ Key }) => !names.has(Key)), ...tags] };
  });
  const parameters = launchConfig as unknown as RunInstancesCommandInput;
  const input: RunInstancesCommandInput = {
    InstanceInitiatedShutdownBehavior: 'terminate',
    ...parameters,
    UserData: userData,
    ClientToken: order.token,
    // As many as are available: some are better than none.
    MinCount: 1,
    MaxCount: count,
    TagSpecifications: [...(besides as TagSpecification[]), ...own],
  };
  return { kind: 'instances', input };
};
