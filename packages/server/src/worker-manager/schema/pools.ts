import { type Static, Type } from 'typebox';
import {
  anyObject,
  ContinuationToken,
  DateTime,
  distinct,
  exactly,
  Identifier,
  publish,
  TaskQueueId,
} from '../../http/index.ts';

const { Optional, String: Text } = Type;
const service = 'worker-manager';

export const WorkerPoolId = TaskQueueId;
export const ProviderId = Identifier;
export const LaunchConfigId = Identifier;

const Count = Type.Integer({ minimum: 0 });
/** How many workers there are in each state, and what they can run at once. */
export const capacities = {
  currentCapacity: Count,
  requestedCount: Count,
  runningCount: Count,
  stoppingCount: Count,
  stoppedCount: Count,
  requestedCapacity: Count,
  runningCapacity: Count,
  stoppingCapacity: Count,
  stoppedCapacity: Count,
};
export type Capacities = { [K in keyof typeof capacities]: number };

const Description = Text({ maxLength: 10_240, description: 'For people; Markdown.' });
const Config = anyObject({
  additionalProperties: true,
  description: 'What the provider needs to know; its shape is that of the provider.',
});
const Owner = Text({ format: 'email', description: 'Who is told of errors.' });
const EmailOnError = Type.Boolean({ description: 'Whether the owner gets mail about errors.' });

const definition = {
  providerId: ProviderId,
  description: Description,
  config: Config,
  owner: Owner,
  emailOnError: EmailOnError,
};

const Reason = Text({ maxLength: 500, description: 'Why, for people.' });
export const pauseWorkerPoolRequest = publish(
  service,
  'pause-worker-pool-request',
  exactly({ reason: Optional(Reason) }, { title: 'Pause of a worker pool' }),
);

export const WorkerPool = exactly(
  {
    workerPoolId: Optional(WorkerPoolId),
    ...definition,
    created: DateTime,
    lastModified: DateTime,
    ...capacities,
  },
  { title: 'Worker pool' },
);
export type WorkerPool = Static<typeof WorkerPool>;
export const workerPoolFull = publish(service, 'worker-pool-full', WorkerPool);

export const CreateWorkerPoolRequest = exactly(definition, { title: 'Worker pool to be' });
export type CreateWorkerPoolRequest = Static<typeof CreateWorkerPoolRequest>;
export const createWorkerPoolRequest = publish(
  service,
  'create-worker-pool-request',
  CreateWorkerPoolRequest,
);

export const updateWorkerPoolRequest = publish(
  service,
  'update-worker-pool-request',
  exactly(
    {
      workerPoolId: Optional(WorkerPoolId),
      ...definition,
      created: Optional(DateTime),
      lastModified: Optional(DateTime),
    },
    { title: 'Worker pool to be', description: 'Dates may be sent along; they are not looked at.' },
  ),
);

export const workerPoolList = publish(
  service,
  'worker-pool-list',
  exactly(
    { workerPools: distinct(WorkerPool), continuationToken: Optional(ContinuationToken) },
    { title: 'Page of worker pools' },
  ),
);

const Pause = exactly(
  { workerPoolId: WorkerPoolId, since: DateTime, reason: Reason },
  { description: 'No workers are started for the pool until it is resumed.' },
);
export const workerPoolPauses = publish(
  service,
  'worker-pool-pauses',
  exactly(
    { pauses: distinct(Pause), continuationToken: Optional(ContinuationToken) },
    { title: 'Page of paused worker pools' },
  ),
);

export const workerPoolPause = publish(
  service,
  'worker-pool-pause',
  exactly(
    { workerPoolId: WorkerPoolId, pause: Optional(Pause) },
    { title: 'Whether a worker pool is paused' },
  ),
);

export const workerPoolListStats = publish(
  service,
  'worker-pool-list-stats',
  exactly(
    {
      workerPoolsStats: distinct(exactly({ workerPoolId: WorkerPoolId, ...capacities })),
      continuationToken: Optional(ContinuationToken),
    },
    { title: 'Page of numbers of worker pools' },
  ),
);

export const workerPoolStats = publish(
  service,
  'worker-pool-stats',
  exactly(
    {
      launchConfigStats: Type.Array(
        exactly({ workerPoolId: WorkerPoolId, launchConfigId: Text(), ...capacities }),
      ),
    },
    { title: 'Numbers of a worker pool, by launch config' },
  ),
);

const LaunchConfig = exactly({
  launchConfigId: Text(),
  workerPoolId: Text(),
  isArchived: Type.Boolean({ description: 'No new workers are started with it.' }),
  configuration: anyObject(),
  created: DateTime,
  lastModified: DateTime,
});
export type LaunchConfig = Static<typeof LaunchConfig>;
export const workerPoolLaunchConfigList = publish(
  service,
  'worker-pool-launch-config-list',
  exactly(
    { workerPoolLaunchConfigs: distinct(LaunchConfig), continuationToken: Optional(ContinuationToken) },
    { title: 'Page of launch configs' },
  ),
);

export const providerList = publish(
  service,
  'provider-list',
  exactly(
    {
      providers: distinct(exactly({ providerId: Text(), providerType: Text() })),
      continuationToken: Optional(ContinuationToken),
    },
    { title: 'Page of providers' },
  ),
);
