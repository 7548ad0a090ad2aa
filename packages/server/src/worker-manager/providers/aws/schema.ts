import { type Static, Type } from 'typebox';
import { anyObject, distinct, exactly, oneOf, publish } from '../../../http/index.ts';
import { awsLaunchConfig, ownScaling, ownWorkerManagerBlock, runInstances } from '../../schema/index.ts';

const { Optional, String: Text } = Type;
const open = { additionalProperties: true };

export const purchases = ['spot', 'on-demand', 'spot-then-on-demand'] as const;
export const allocations = [
  'price-capacity-optimized',
  'capacity-optimized',
  'diversified',
  'lowest-price',
] as const;

const zone = Text({ pattern: '^[a-z0-9-]{1,40}$' });

/** Our own: one call asks for instances of many types in many zones, and EC2 takes those that it can spare. */
export const Fleet = exactly(
  {
    imageId: Text({ pattern: '^ami-[0-9a-z]+$', description: 'The image that instances start from.' }),
    instanceTypes: distinct(Text({ pattern: '^[a-z0-9-]+\\.[a-z0-9-]+$' }), {
      minItems: 1,
      maxItems: 40,
      description: 'Any of these will do. The more there are, the rarer is a lack of capacity.',
    }),
    subnets: Optional(
      Type.Array(exactly({ subnetId: Text({ pattern: '^subnet-[0-9a-z]+$' }), availabilityZone: zone }), {
        minItems: 1,
        maxItems: 10,
        description: 'Where instances may be. Not together with availabilityZones.',
      }),
    ),
    availabilityZones: Optional(
      distinct(zone, {
        minItems: 1,
        maxItems: 10,
        description: 'Zones of the default network, where no subnets are named.',
      }),
    ),
    purchase: Optional(
      oneOf(purchases, {
        default: 'spot',
        description:
          'How instances are bought. The last kind buys on demand what there is no spot capacity for.',
      }),
    ),
    allocation: Optional(
      oneOf(allocations, {
        default: 'price-capacity-optimized',
        description: 'How EC2 chooses among types and zones of spot instances.',
      }),
    ),
    maxUsdPerHour: Optional(
      Type.Number({ exclusiveMinimum: 0, description: 'Never more for a spot instance.' }),
    ),
    onDemandUsdPerHour: Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description: 'What an instance costs on demand, for decisions. EC2 does not tell.',
      }),
    ),
    product: Optional(
      Text({ maxLength: 60, default: 'Linux/UNIX', description: 'What spot prices are asked for.' }),
    ),
    securityGroupIds: Optional(distinct(Text({ pattern: '^sg-[0-9a-z]+$' }), { maxItems: 16 })),
    instanceProfile: Optional(
      Text({ maxLength: 512, description: 'ARN or name of the profile that instances have, if any.' }),
    ),
    launchTemplate: Optional(
      anyObject({
        ...open,
        properties: Object.fromEntries(
          ['ImageId', 'InstanceType', 'UserData', 'TagSpecifications', 'InstanceMarketOptions'].map(
            (name) => [name, { not: {} }],
          ),
        ),
        description: 'More of what a launch template of EC2 may hold, like BlockDeviceMappings.',
      }),
    ),
  },
  { title: 'Instances of many types' },
);
export type Fleet = Static<typeof Fleet>;

const { region, workerConfig, additionalUserData, capacityPerInstance } = awsLaunchConfig;

const InstancesOfOneType = exactly(
  { ...awsLaunchConfig, launchConfig: runInstances, workerManager: ownWorkerManagerBlock },
  { title: 'As the original has it: parameters of RunInstances' },
);
const InstancesOfManyTypes = exactly(
  {
    region,
    workerConfig,
    additionalUserData,
    capacityPerInstance,
    fleet: Fleet,
    workerManager: ownWorkerManagerBlock,
  },
  { title: 'Our own: parameters of CreateFleet' },
);

/** The config of a pool on EC2. Every config that the original accepts is accepted. */
export const awsFleetConfig = publish(
  'worker-manager',
  'config-aws-fleet',
  exactly(
    {
      ...ownScaling,
      launchConfigs: Type.Array(Type.Union([InstancesOfOneType, InstancesOfManyTypes]), {
        uniqueItems: true,
      }),
    },
    { title: 'Config of a pool on EC2, with what the original does not have' },
  ),
);

/** A launch config of such a pool: it has either `launchConfig` or `fleet`. */
export interface AwsLaunchConfig {
  readonly region: string;
  readonly launchConfig?: RunInstancesParameters;
  readonly fleet?: Fleet;
  readonly workerConfig?: Readonly<Record<string, unknown>>;
  readonly additionalUserData?: Readonly<Record<string, unknown>>;
}

/** The parameters of RunInstances that we read; all are passed on. */
export interface RunInstancesParameters {
  readonly ImageId: string;
  readonly InstanceType?: string;
  readonly SubnetId?: string;
  readonly Placement?: { readonly AvailabilityZone?: string };
  readonly InstanceMarketOptions?: { readonly MarketType?: string };
  readonly NetworkInterfaces?: readonly { readonly SubnetId?: string }[];
  readonly TagSpecifications?: readonly {
    readonly ResourceType?: string;
    readonly Tags?: readonly { readonly Key?: string; readonly Value?: string }[];
  }[];
}
