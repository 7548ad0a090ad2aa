import { type Static, Type } from 'typebox';
import { DateTime, distinct, exactly, Identifier, publish, RunId, Slugid } from '../../http/index.ts';
import { TaskStatus } from './status.ts';
import { TaskDefinition } from './task.ts';

const { String: Text } = Type;

const worker = { workerGroup: Identifier, workerId: Identifier };
export const claimsMax = 32;

export const ClaimWorkRequest = exactly(
  {
    ...worker,
    tasks: Type.Integer({
      minimum: 1,
      maximum: claimsMax,
      default: 1,
      description: 'The most tasks to hand out; there may be fewer.',
    }),
  },
  { title: 'Request for work' },
);
export type ClaimWorkRequest = Static<typeof ClaimWorkRequest>;
export const claimWorkRequest = publish('queue', 'claim-work-request', ClaimWorkRequest);

export const TaskCredentials = exactly(
  {
    clientId: Text({ minLength: 1 }),
    accessToken: Text({ minLength: 1 }),
    certificate: Text({ minLength: 1, description: 'A JSON text; it goes into the `ext` of Hawk.' }),
  },
  {
    title: 'Task credentials',
    description:
      'Temporary credentials of one run: they end with the claim, so each reclaim brings new ones.',
  },
);
export type TaskCredentials = Static<typeof TaskCredentials>;
export const taskCredentials = publish('queue', 'task-credentials', TaskCredentials);

const claim = {
  status: TaskStatus,
  runId: RunId,
  ...worker,
  takenUntil: Text({ format: 'date-time', description: 'Reclaim before then, or lose the run.' }),
};

export const TaskClaim = exactly(
  { ...claim, task: TaskDefinition, credentials: TaskCredentials },
  { title: 'A claimed run' },
);
export type TaskClaim = Static<typeof TaskClaim>;
export const taskClaimResponse = publish('queue', 'task-claim-response', TaskClaim);

export const ClaimWorkResponse = exactly(
  { tasks: distinct(TaskClaim, { description: 'Empty when nothing became pending in time.' }) },
  { title: 'Claimed runs' },
);
export type ClaimWorkResponse = Static<typeof ClaimWorkResponse>;
export const claimWorkResponse = publish('queue', 'claim-work-response', ClaimWorkResponse);

/** Tasks of a worker that are being uploaded do not count against its capacity. */
export const heldRunsMax = 2 * claimsMax;

const RunRef = exactly({ taskId: Slugid, runId: RunId });

export const AwaitLostRunsRequest = exactly(
  { ...worker, runs: Type.Array(RunRef, { minItems: 1, maxItems: heldRunsMax }) },
  { title: 'Runs that a worker holds' },
);
export type AwaitLostRunsRequest = Static<typeof AwaitLostRunsRequest>;
export const awaitLostRunsRequest = publish('queue', 'await-lost-runs-request', AwaitLostRunsRequest);

export const AwaitLostRunsResponse = exactly(
  { runs: Type.Array(RunRef, { description: 'Empty when the worker lost none in time.' }) },
  { title: 'Runs that a worker has lost' },
);
export type AwaitLostRunsResponse = Static<typeof AwaitLostRunsResponse>;
export const awaitLostRunsResponse = publish('queue', 'await-lost-runs-response', AwaitLostRunsResponse);

export const TaskClaimRequest = exactly(worker, { title: 'Request for one run' });
export type TaskClaimRequest = Static<typeof TaskClaimRequest>;
export const taskClaimRequest = publish('queue', 'task-claim-request', TaskClaimRequest);

export const TaskReclaim = exactly(
  { ...claim, credentials: TaskCredentials },
  { title: 'A prolonged claim' },
);
export type TaskReclaim = Static<typeof TaskReclaim>;
export const taskReclaimResponse = publish('queue', 'task-reclaim-response', TaskReclaim);

/** Belongs to a polling method that no longer exists. It is published because clients may still read the schema. */
export const PollTaskUrlsResponse = exactly(
  {
    queues: Type.Array(
      exactly({ signedPollUrl: Text({ format: 'uri' }), signedDeleteUrl: Text({ pattern: '^https://' }) }),
      { uniqueItems: false },
    ),
    expires: DateTime,
  },
  { title: 'URLs to poll for tasks (no longer served)' },
);
export type PollTaskUrlsResponse = Static<typeof PollTaskUrlsResponse>;
export const pollTaskUrlsResponse = publish('queue', 'poll-task-urls-response', PollTaskUrlsResponse);
