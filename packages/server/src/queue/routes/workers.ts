import { pagination, Reply } from '../../http/index.ts';
import { pendingTasksResponse, taskQueueCountsResponse } from '../../workers/index.ts';
import { noClaim } from '../claiming/claim-runs.ts';
import * as schema from '../schema/index.ts';
import { reportedEnd } from '../service/resolve-runs.ts';
import { endpoint, queueParams, runParams, statusReply, textReply } from './contracts.ts';

const category = 'Worker Interface';
const claimsReply = (claims: string[]) => textReply(`{"tasks":[${claims.join(',')}]}`);

/** The methods for workers. */
export const workerRoutes = [
  endpoint(
    {
      name: 'claimWork',
      method: 'POST',
      path: '/claim-work/<taskQueueId>',
      rest: 'taskQueueId',
      category,
      title: 'Claim work',
      description:
        'Hands pending tasks of a queue to a worker, the most urgent and then the oldest first. Waits for up to 20 ' +
        'seconds until there is one; the list is empty when there was none.',
      stability: 'stable',
      scopes: { AllOf: ['queue:claim-work:<taskQueueId>', 'queue:worker-id:<workerGroup>/<workerId>'] },
      params: queueParams,
      input: schema.claimWorkRequest,
      output: schema.claimWorkResponse,
      waits: true,
    },
    ({ queue }, { params, body: { tasks, ...worker }, authorize, signal }) => {
      authorize(worker);
      return queue.claimWork({ ...params, worker, count: tasks, gone: signal }).then(claimsReply);
    },
  ),
  endpoint(
    {
      name: 'awaitLostRuns',
      method: 'POST',
      path: '/lost-runs/<taskQueueId>',
      rest: 'taskQueueId',
      category,
      title: 'Wait until runs are lost',
      description:
        'Waits for up to 20 seconds until a worker loses some of the runs that it claimed, because their tasks were ' +
        'canceled, are past their deadline, or are held by another worker. Returns those: the worker must stop them. ' +
        'The list is empty when it lost none. Runs that it has reported itself are not lost.',
      stability: 'experimental',
      scopes: { AllOf: ['queue:claim-work:<taskQueueId>', 'queue:worker-id:<workerGroup>/<workerId>'] },
      params: queueParams,
      input: schema.awaitLostRunsRequest,
      output: schema.awaitLostRunsResponse,
      waits: true,
    },
    async ({ queue }, { params, body: { runs, ...worker }, authorize, signal }) => {
      authorize(worker);
      return { runs: await queue.awaitLostRuns({ ...params, worker, runs, gone: signal }) };
    },
  ),
  endpoint(
    {
      name: 'claimTask',
      method: 'POST',
      path: '/task/<taskId>/runs/<runId>/claim',
      category,
      title: 'Claim a certain run',
      description: 'Hands one certain pending run to a worker.',
      stability: 'deprecated',
      scopes: {
        AllOf: ['queue:claim-task:<provisionerId>/<workerType>', 'queue:worker-id:<workerGroup>/<workerId>'],
      },
      params: runParams,
      input: schema.taskClaimRequest,
      output: schema.taskClaimResponse,
    },
    ({ queue }, { params, body, authorize }) =>
      queue.claimRuns
        .one({ ...params, worker: body, authorize })
        // Its schema does not allow an empty object.
        .then((text) => (text === noClaim ? new Reply(200, {}) : textReply(text))),
  ),
  endpoint(
    {
      name: 'reclaimTask',
      method: 'POST',
      path: '/task/<taskId>/runs/<runId>/reclaim',
      category,
      title: 'Prolong a claim',
      description:
        'Prolongs the claim of a running run and gives fresh credentials. A worker that is refused with 409 has lost ' +
        'the run and must stop it.',
      stability: 'stable',
      scopes: 'queue:reclaim-task:<taskId>/<runId>',
      params: runParams,
      output: schema.taskReclaimResponse,
    },
    ({ queue }, { params }) => queue.reclaimRuns.one(params).then(textReply),
  ),
  endpoint(
    {
      name: 'reportCompleted',
      method: 'POST',
      path: '/task/<taskId>/runs/<runId>/completed',
      category,
      title: 'Report success',
      description: 'Ends a run as completed. The same report again has no further effect.',
      stability: 'stable',
      scopes: 'queue:resolve-task:<taskId>/<runId>',
      params: runParams,
      output: schema.taskStatusResponse,
    },
    ({ queue }, { params, body }) =>
      queue.resolveRuns.one({ ...params, end: reportedEnd(body) }).then(statusReply),
  ),
  endpoint(
    {
      name: 'reportFailed',
      method: 'POST',
      path: '/task/<taskId>/runs/<runId>/failed',
      category,
      title: 'Report failure',
      description:
        'Ends a run as failed: it ran to its end, and its work did not succeed. It is not retried.',
      stability: 'stable',
      scopes: 'queue:resolve-task:<taskId>/<runId>',
      params: runParams,
      output: schema.taskStatusResponse,
    },
    ({ queue }, { params }) => queue.resolveRuns.one({ ...params, end: 'failed' }).then(statusReply),
  ),
  endpoint(
    {
      name: 'reportException',
      method: 'POST',
      path: '/task/<taskId>/runs/<runId>/exception',
      category,
      title: 'Report an exception',
      description:
        'Ends a run that could not do its work. After `worker-shutdown` and `intermittent-task` the task runs again ' +
        'while it has retries left.',
      stability: 'stable',
      scopes: 'queue:resolve-task:<taskId>/<runId>',
      params: runParams,
      input: schema.taskExceptionRequest,
      output: schema.taskStatusResponse,
    },
    ({ queue }, { params, body }) =>
      queue.resolveRuns.one({ ...params, end: 'exception', reason: body.reason }).then(statusReply),
  ),
  endpoint(
    {
      name: 'reportRuns',
      method: 'POST',
      path: '/report-runs/<taskQueueId>',
      rest: 'taskQueueId',
      category,
      title: 'Report many runs',
      description:
        'Ends many runs as their workers report, in one call. Each report carries its own signature, made with the ' +
        'credentials of its claim, and is answered as if it had been sent alone: one that is refused leaves the ' +
        'others untouched. The same call again has no further effect. The caller must be allowed to claim work.',
      stability: 'experimental',
      scopes: 'queue:claim-work:<taskQueueId>',
      params: queueParams,
      input: schema.reportRunsRequest,
      secretInput: true,
      output: schema.reportRunsResponse,
    },
    ({ queue }, { body: { reports }, request: { headers } }) =>
      queue.reportRuns({ reports, headers }).then(textReply),
  ),
];

const listing = {
  method: 'GET',
  rest: 'taskQueueId',
  category: 'Worker Metadata',
  params: queueParams,
} as const;

/** What waits and what runs in a task queue. */
export const taskQueueRoutes = [
  endpoint(
    {
      ...listing,
      name: 'pendingTasks',
      path: '/pending/<taskQueueId>',
      title: 'Number of pending tasks',
      description: 'How many tasks wait for a worker in a task queue.',
      stability: 'deprecated',
      scopes: 'queue:pending-count:<taskQueueId>',
      output: pendingTasksResponse,
    },
    ({ queue }, { params }) =>
      queue.countQueue(params.taskQueueId).then(({ claimedTasks: _, ...counts }) => counts),
  ),
  endpoint(
    {
      ...listing,
      name: 'taskQueueCounts',
      path: '/task-queues/<taskQueueId>/counts',
      title: 'Numbers of a task queue',
      description: 'How many tasks wait for a worker in a task queue, and how many are claimed.',
      stability: 'stable',
      scopes: { AllOf: ['queue:pending-count:<taskQueueId>', 'queue:claimed-count:<taskQueueId>'] },
      output: taskQueueCountsResponse,
    },
    ({ queue }, { params }) => queue.countQueue(params.taskQueueId),
  ),
  endpoint(
    {
      name: 'taskQueueCountsBatch',
      method: 'POST',
      path: '/task-queues/counts',
      category: listing.category,
      title: 'Numbers of many task queues',
      description:
        'How many tasks wait for a worker in each of some task queues, and how many are claimed, in the order of the ' +
        'request. Without the scopes of one of them the whole call is refused.',
      stability: 'experimental',
      scopes: {
        AllOf: [
          { for: 'taskQueueId', in: 'taskQueueIds', each: 'queue:pending-count:<taskQueueId>' },
          { for: 'taskQueueId', in: 'taskQueueIds', each: 'queue:claimed-count:<taskQueueId>' },
        ],
      },
      input: schema.taskQueueCountsBatchRequest,
      output: schema.taskQueueCountsBatchResponse,
    },
    async ({ queue }, { body, authorize }) => {
      authorize(body);
      return { taskQueueCounts: await queue.countTaskQueues(body.taskQueueIds) };
    },
  ),
  endpoint(
    {
      ...listing,
      name: 'listPendingTasks',
      path: '/task-queues/<taskQueueId>/pending',
      title: 'Pending tasks',
      description: 'The tasks that wait for a worker in a task queue, the oldest first.',
      stability: 'experimental',
      scopes: 'queue:pending-list:<taskQueueId>',
      query: pagination,
      output: schema.listPendingTasksResponse,
    },
    ({ queue }, { params, query }) => queue.listPending({ ...params, ...query }).then(textReply),
  ),
  endpoint(
    {
      ...listing,
      name: 'listClaimedTasks',
      path: '/task-queues/<taskQueueId>/claimed',
      title: 'Claimed tasks',
      description: 'The tasks that workers of a task queue hold, the oldest claim first.',
      stability: 'experimental',
      scopes: 'queue:claimed-list:<taskQueueId>',
      query: pagination,
      output: schema.listClaimedTasksResponse,
    },
    ({ queue }, { params, query }) => queue.listClaimed({ ...params, ...query }).then(textReply),
  ),
];
