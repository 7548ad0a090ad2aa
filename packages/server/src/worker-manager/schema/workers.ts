import { type Static, Type } from 'typebox';
import {
  anyObject,
  ContinuationToken,
  DateTime,
  distinct,
  exactly,
  Identifier,
  oneOf,
  ProvisionerId,
  publish,
  TaskQueueId,
  WorkerType,
} from '../../http/index.ts';
import { TaskDefinition } from '../../queue/index.ts';
import { QuarantineDetail, RunRef } from '../../workers/index.ts';
import { LaunchConfigId, ProviderId, WorkerPoolId } from './pools.ts';

const { Optional, String: Text } = Type;
const service = 'worker-manager';

export const workerStates = ['requested', 'running', 'stopping', 'stopped'] as const;
export type WorkerState = (typeof workerStates)[number];

const Capacity = Type.Integer({ minimum: 1, description: 'How many tasks it runs at once.' });

/** A worker, named by pool, group and id. */
export const workerName = { workerPoolId: WorkerPoolId, workerGroup: Identifier, workerId: Identifier };

export const Worker = exactly(
  {
    ...workerName,
    providerId: ProviderId,
    created: DateTime,
    expires: DateTime,
    lastModified: DateTime,
    lastChecked: DateTime,
    state: oneOf(workerStates),
    capacity: Capacity,
    launchConfigId: Optional(LaunchConfigId),
  },
  { title: 'Worker' },
);
export type Worker = Static<typeof Worker>;
export const workerFull = publish(service, 'worker-full', Worker);

export const workerList = publish(
  service,
  'worker-list',
  exactly(
    { workers: distinct(Worker), continuationToken: Optional(ContinuationToken) },
    { title: 'Page of workers' },
  ),
);

const Secret = Text({ pattern: '^[a-zA-Z0-9_-]{44}$' });

export const CreateWorkerRequest = exactly(
  {
    expires: DateTime,
    capacity: Optional(Capacity),
    providerInfo: Optional(
      Type.Unsafe<{ readonly staticSecret: string }>({
        oneOf: [exactly({ staticSecret: Secret })],
        description: 'What the worker proves itself with when it registers.',
      }),
    ),
  },
  { title: 'Worker to be' },
);
export type CreateWorkerRequest = Static<typeof CreateWorkerRequest>;
export const createWorkerRequest = publish(service, 'create-worker-request', CreateWorkerRequest);

const Credentials = exactly(
  { clientId: Text(), accessToken: Text(), certificate: Optional(Text()) },
  { description: 'Temporary credentials of the worker.' },
);

/** The ways in which a worker can prove its identity. */
export interface IdentityProof {
  readonly staticSecret?: string;
  readonly token?: string;
  readonly document?: string;
  readonly signature?: string;
}

export const RegisterWorkerRequest = exactly(
  {
    ...workerName,
    providerId: ProviderId,
    workerIdentityProof: Type.Unsafe<IdentityProof>({
      oneOf: [
        exactly({ token: Text() }),
        exactly({ staticSecret: Secret }),
        exactly({ document: Text(), signature: Text() }),
        exactly({ document: Text() }),
      ],
      description: 'Proof of the identity, as the provider wants it.',
    }),
    systemBootTime: Optional(DateTime),
  },
  { title: 'A worker that introduces itself' },
);
export type RegisterWorkerRequest = Static<typeof RegisterWorkerRequest>;
export const registerWorkerRequest = publish(service, 'register-worker-request', RegisterWorkerRequest);

const admission = {
  expires: Type.String({ format: 'date-time', description: 'When the credentials end.' }),
  credentials: Credentials,
};
const NextSecret = Text({
  pattern: '^[a-zA-Z0-9_-]{44}$',
  description: 'To register again with, once.',
});

export const registerWorkerResponse = publish(
  service,
  'register-worker-response',
  exactly(
    { ...admission, workerConfig: anyObject({ additionalProperties: true }), secret: NextSecret },
    { title: 'Admission of a worker' },
  ),
);

export const ReregisterWorkerRequest = exactly(
  { ...workerName, secret: Secret },
  { title: 'A worker that wants new credentials' },
);
export type ReregisterWorkerRequest = Static<typeof ReregisterWorkerRequest>;
export const reregisterWorkerRequest = publish(service, 'reregister-worker-request', ReregisterWorkerRequest);
export const reregisterWorkerResponse = publish(
  service,
  'reregister-worker-response',
  exactly({ ...admission, secret: NextSecret }, { title: 'New credentials of a worker' }),
);

export const shouldWorkerTerminateResponse = publish(
  service,
  'should-worker-terminate-response',
  exactly(
    { terminate: Type.Boolean(), reason: Text({ minLength: 1 }) },
    { title: 'Whether a worker should go' },
  ),
);

const seen = {
  workerGroup: Identifier,
  workerId: Identifier,
  lastDateActive: Optional(DateTime),
  quarantineUntil: Optional(DateTime),
  workerPoolId: Optional(TaskQueueId),
  capacity: Optional(Type.Integer({ minimum: 0 })),
  state: Optional(oneOf([...workerStates, 'standalone'])),
  providerId: Optional(Identifier),
  launchConfigId: Optional(Identifier),
};

const SeenWorker = exactly({ ...seen, firstClaim: Optional(DateTime), latestTask: Optional(RunRef) });
export type SeenWorker = Static<typeof SeenWorker>;
export const listWorkersResponse = publish(
  service,
  'list-workers-response',
  exactly(
    { workers: distinct(SeenWorker), continuationToken: Optional(ContinuationToken) },
    { title: 'Page of workers of a pool, provisioned or not' },
  ),
);

const SeenWorkerInFull = exactly(
  {
    ...seen,
    provisionerId: ProvisionerId,
    workerType: WorkerType,
    firstClaim: DateTime,
    expires: DateTime,
    recentTasks: Type.Array(RunRef, { uniqueItems: false }),
    quarantineDetails: Optional(distinct(QuarantineDetail)),
  },
  { title: 'Worker of a pool, provisioned or not' },
);
export type SeenWorkerInFull = Static<typeof SeenWorkerInFull>;
export const workerResponse = publish(service, 'worker-response', SeenWorkerInFull);

const { taskQueueId, ...parts } = TaskDefinition.properties;
/** Parts of other shapes, which clients look up on their own. */
export const taskParts = [
  publish(
    service,
    'task',
    exactly(
      { ...parts, workerPoolId: taskQueueId },
      { title: 'Task definition', description: 'Words of it.' },
    ),
  ),
  publish(service, 'task-run', RunRef),
];
