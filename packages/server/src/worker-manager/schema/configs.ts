import { type Static, Type } from 'typebox';
import { anyObject, exactly, publish } from '../../http/index.ts';
import { LaunchConfigId } from './pools.ts';

const { Optional, String: Text } = Type;
const service = 'worker-manager';
const open = { additionalProperties: true };

export const Lifecycle = exactly(
  {
    registrationTimeout: Optional(
      Type.Integer({ description: 'Seconds that a worker may take from its request to its registration.' }),
    ),
    reregistrationTimeout: Optional(
      Type.Integer({
        default: 345_600,
        maximum: 2_592_000,
        description: 'Seconds that a worker may work before it has to register again.',
      }),
    ),
    queueInactivityTimeout: Optional(
      Type.Integer({
        default: 7200,
        minimum: 1200,
        description: 'Seconds without asking for work after which a worker counts as dead.',
      }),
    ),
  },
  { title: 'Time limits of workers' },
);
export const workerLifecycle = publish(service, 'worker-lifecycle', Lifecycle);

export const WorkerConfig = anyObject({ ...open, description: 'Handed to the worker as it is.' });
export const CapacityPerInstance = Type.Integer({
  minimum: 1,
  description: 'How many tasks a worker of this launch config runs at once.',
});
export const choice = {
  launchConfigId: Optional(LaunchConfigId),
  capacityPerInstance: Optional(CapacityPerInstance),
  initialWeight: Optional(
    Type.Number({ minimum: 0, maximum: 1, description: 'How likely it is chosen while all goes well.' }),
  ),
  maxCapacity: Optional(
    Type.Integer({ minimum: 0, description: 'Never more capacity than this by this launch config.' }),
  ),
};

/** How a pool grows and shrinks, whatever its cloud. */
export const scaling = {
  minCapacity: Type.Integer({
    minimum: 0,
    description: 'Capacity that is there even when nothing is to do.',
  }),
  maxCapacity: Type.Integer({ minimum: 0, description: 'Never more capacity than this.' }),
  scalingRatio: Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Capacity to start for each task that waits; 1 if absent.',
    }),
  ),
  lifecycle: Optional(Lifecycle),
};

/** Our own: how a pool grows and shrinks when the original's estimator is not enough. Each is off if absent. */
export const Provisioning = exactly(
  {
    aimedPendingSeconds: Optional(
      Type.Number({
        minimum: 0,
        maximum: 86_400,
        description: 'Start just so many workers that 95 of 100 tasks wait no longer than this.',
      }),
    ),
    scaleIn: Optional(
      exactly(
        {
          idleSeconds: Optional(
            Type.Number({
              minimum: 0,
              default: 60,
              description: 'A worker that is idle for less stays.',
            }),
          ),
          billingPeriodSeconds: Optional(
            Type.Number({
              minimum: 1,
              default: 1,
              description: 'What is paid for once it has begun: a worker goes just before the next begins.',
            }),
          ),
          packing: Optional(
            Type.Boolean({
              default: false,
              description: 'Let workers run empty that have little to do while others have room for it.',
            }),
          ),
        },
        { description: 'End idle workers that are not needed, without waiting for them to ask.' },
      ),
    ),
    keepMinimum: Optional(
      Type.Boolean({
        default: false,
        description:
          'Workers that fill minCapacity get no idle time-out, so that they never stop themselves. Wants scaleIn, which ends what is too much.',
      }),
    ),
    warm: Optional(
      Type.Array(
        exactly({
          capacity: Type.Integer({ minimum: 0, description: 'What is there at least.' }),
          start: Text({ maxLength: 200, description: 'Cron pattern of when it begins.' }),
          seconds: Type.Integer({ minimum: 60, maximum: 604_800, description: 'How long it lasts.' }),
          timezone: Optional(Text({ maxLength: 100, description: 'Of the pattern; UTC if absent.' })),
        }),
        { maxItems: 20, description: 'Times at which minCapacity is higher.' },
      ),
    ),
    priceSensitivity: Optional(
      Type.Number({
        minimum: 0,
        maximum: 10,
        description: 'A launch config that costs twice as much is chosen 2 to this power times less often.',
      }),
    ),
  },
  { title: 'How workers are started and ended, beyond the original' },
);
export type Provisioning = Static<typeof Provisioning>;
export const provisioning = publish(service, 'provisioning', Provisioning);

/** {@link scaling} with what is our own, for providers of our own. */
export const ownScaling = { ...scaling, provisioning: Optional(Provisioning) };

const usdPerUtility = (description: string) =>
  Optional(Type.Number({ minimum: 0, description: `${description}, in USD per hour and unit of utility.` }));

/** {@link choice} with what is our own. */
export const ownChoice = {
  ...choice,
  utility: Optional(
    Type.Number({
      exclusiveMinimum: 0,
      description:
        'What a worker of this launch config is worth, compared with others; its capacity if absent.',
    }),
  ),
  minPricePerUtility: usdPerUtility('A price below this counts as this'),
  maxPricePerUtility: usdPerUtility('While it costs more it is not chosen'),
};
export const ownWorkerManagerBlock = Optional(exactly(ownChoice));

/** The block of a launch config that is about choosing it; it may change without making another launch config. */
export const workerManagerBlock = Optional(exactly(choice));

export const staticConfig = publish(
  service,
  'config-static',
  exactly(
    {
      workerConfig: Optional(WorkerConfig),
      lifecycle: Optional(exactly({ reregistrationTimeout: Lifecycle.properties.reregistrationTimeout })),
    },
    { title: 'Config of a pool of static workers' },
  ),
);
export const nullConfig = publish(
  service,
  'config-null',
  anyObject({ ...open, title: 'Config of a pool that is winding down' }),
);
const testingConfig = publish(service, 'config-testing', exactly({}, { title: 'Config for tests' }));

export const awsLaunchConfig = {
  region: Text({ description: 'The region; it is the worker group of the workers.' }),
  workerConfig: Optional(WorkerConfig),
  additionalUserData: Optional(
    anyObject({
      ...open,
      properties: {
        rootUrl: { not: {} },
        workerPoolId: { not: {} },
        providerId: { not: {} },
        workerGroup: { not: {} },
        workerConfig: { not: {} },
      },
      description: 'Put into the user data of the instances.',
    }),
  ),
  capacityPerInstance: Optional(CapacityPerInstance),
  workerManager: workerManagerBlock,
};
export const runInstances = anyObject({
  ...open,
  properties: { ImageId: Text() },
  required: ['ImageId'],
  not: { required: ['IamInstanceProfile', 'UserData', 'MinCount', 'MaxCount'] },
  description: 'Parameters of RunInstances.',
});
const AwsLaunchConfig = exactly({ ...awsLaunchConfig, launchConfig: runInstances });

export const awsConfig = publish(
  service,
  'config-aws',
  exactly(
    { ...scaling, launchConfigs: Type.Array(AwsLaunchConfig, { uniqueItems: true }) },
    { title: 'Config of a pool on EC2' },
  ),
);

/** Shapes that are published beside those of the methods. */
export const configSchemas = [
  workerLifecycle,
  provisioning,
  staticConfig,
  nullConfig,
  testingConfig,
  awsConfig,
];
