import { pagination, parameters, type Route, routeFor } from '../../http/index.ts';
import * as schema from '../schema/index.ts';
import { poolId, type WorkerManagerServices } from './parameters.ts';

const endpoint = routeFor<WorkerManagerServices>();
const category = 'Worker Pools';
const path = '/worker-pool/<workerPoolId>';
const readScope = 'worker-manager:get-worker-pool:<workerPoolId>';
const errorScope = 'worker-manager:list-worker-pool-errors:<workerPoolId>';
const manageScopes = {
  AllOf: ['worker-manager:manage-worker-pool:<workerPoolId>', 'worker-manager:provider:<providerId>'],
};
const ofPool = { rest: 'workerPoolId', params: poolId } as const;

export const poolRoutes: readonly Route<WorkerManagerServices>[] = [
  endpoint(
    {
      name: 'listProviders',
      method: 'GET',
      path: '/providers',
      category: 'Providers',
      title: 'List providers',
      description: 'The providers that this deployment is configured with.',
      stability: 'stable',
      scopes: 'worker-manager:list-providers',
      query: pagination,
      output: schema.providerList,
    },
    ({ workerManager }, { query }) => workerManager.listProviders(query),
  ),
  endpoint(
    {
      name: 'createWorkerPool',
      method: 'PUT',
      path,
      ...ofPool,
      category,
      title: 'Create a worker pool',
      description: 'The same pool again is found there; another under its id is a conflict.',
      stability: 'stable',
      scopes: manageScopes,
      input: schema.createWorkerPoolRequest,
      output: schema.workerPoolFull,
    },
    ({ workerManager }, { params, body, authorize, caller: { clientId } }) =>
      workerManager.createPool({ ...params, definition: body, authorize, clientId }),
  ),
  endpoint(
    {
      name: 'updateWorkerPool',
      method: 'POST',
      path,
      ...ofPool,
      category,
      title: 'Replace a worker pool',
      description: 'Workers that are there stay, also those of another provider, until they end.',
      stability: 'experimental',
      scopes: manageScopes,
      input: schema.updateWorkerPoolRequest,
      output: schema.workerPoolFull,
    },
    ({ workerManager }, { params, body: { workerPoolId: repeatedId, ...definition }, authorize, caller }) =>
      workerManager.updatePool({
        ...params,
        definition,
        authorize,
        repeatedId,
        clientId: caller.clientId,
      }),
  ),
  endpoint(
    {
      name: 'deleteWorkerPool',
      method: 'DELETE',
      path,
      ...ofPool,
      category,
      title: 'Delete a worker pool',
      description: 'The pool starts no more workers, and is gone with its last one.',
      stability: 'stable',
      scopes: 'worker-manager:manage-worker-pool:<workerPoolId>',
      output: schema.workerPoolFull,
    },
    ({ workerManager }, { params, caller: { clientId } }) =>
      workerManager.deletePool({ ...params, clientId }),
  ),
  endpoint(
    {
      name: 'pauseWorkerPool',
      method: 'POST',
      path: `${path}/pause`,
      ...ofPool,
      category,
      title: 'Pause a worker pool',
      description:
        'Nothing new is started for the pool until it is resumed. Its workers go on, and end when they are idle.',
      stability: 'experimental',
      scopes: 'worker-manager:manage-worker-pool:<workerPoolId>',
      input: schema.pauseWorkerPoolRequest,
      output: schema.workerPoolFull,
    },
    ({ workerManager }, { params, body: { reason = '' }, caller: { clientId } }) =>
      workerManager.pausePool({ ...params, pause: { reason }, clientId }),
  ),
  endpoint(
    {
      name: 'resumeWorkerPool',
      method: 'POST',
      path: `${path}/resume`,
      ...ofPool,
      category,
      title: 'Resume a worker pool',
      description: 'Workers are started again as the pool needs them. One that is not paused stays as it is.',
      stability: 'experimental',
      scopes: 'worker-manager:manage-worker-pool:<workerPoolId>',
      output: schema.workerPoolFull,
    },
    ({ workerManager }, { params, caller: { clientId } }) => workerManager.pausePool({ ...params, clientId }),
  ),
  endpoint(
    {
      name: 'workerPoolPause',
      method: 'GET',
      path: `${path}/pause`,
      ...ofPool,
      category,
      title: 'Get the pause of a worker pool',
      description: 'Since when and why the pool is paused; without `pause` it is not.',
      stability: 'experimental',
      scopes: readScope,
      output: schema.workerPoolPause,
    },
    ({ workerManager }, { params }) => workerManager.poolPause(params.workerPoolId),
  ),
  endpoint(
    {
      name: 'listWorkerPoolLaunchConfigs',
      method: 'GET',
      path: `${path}/launch-configs`,
      ...ofPool,
      category: 'Worker Pool Launch Configs',
      title: 'List the launch configs of a pool',
      description: 'In the order of their ids; the archived ones only when they are asked for.',
      stability: 'experimental',
      scopes: readScope,
      query: { ...pagination, includeArchived: parameters.boolean },
      output: schema.workerPoolLaunchConfigList,
    },
    ({ workerManager }, { params, query }) => workerManager.listLaunchConfigs({ ...params, ...query }),
  ),
  endpoint(
    {
      name: 'workerPoolStats',
      method: 'GET',
      path: `${path}/stats`,
      ...ofPool,
      category,
      title: 'Numbers of a worker pool',
      description: 'How many workers each launch config has in each state, and their capacity.',
      stability: 'experimental',
      scopes: readScope,
      output: schema.workerPoolStats,
    },
    ({ workerManager }, { params }) => workerManager.poolStats(params.workerPoolId),
  ),
  endpoint(
    {
      name: 'workerPool',
      method: 'GET',
      path,
      ...ofPool,
      category,
      title: 'Get a worker pool',
      description: 'The pool with its launch configs and numbers.',
      stability: 'stable',
      scopes: readScope,
      output: schema.workerPoolFull,
    },
    ({ workerManager }, { params }) => workerManager.readPool(params.workerPoolId),
  ),
  endpoint(
    {
      name: 'listWorkerPools',
      method: 'GET',
      path: '/worker-pools',
      category,
      title: 'List worker pools',
      description: 'All pools in the order of their ids.',
      stability: 'stable',
      scopes: 'worker-manager:list-worker-pools',
      query: pagination,
      output: schema.workerPoolList,
    },
    ({ workerManager }, { query }) => workerManager.listPools(query),
  ),
  endpoint(
    {
      name: 'listWorkerPoolPauses',
      method: 'GET',
      path: '/worker-pool-pauses',
      category,
      title: 'List paused worker pools',
      description:
        'Since when and why worker pools are paused, in the order of their ids. Pools that are not paused are left out.',
      stability: 'experimental',
      scopes: 'worker-manager:list-worker-pools',
      query: pagination,
      output: schema.workerPoolPauses,
    },
    ({ workerManager }, { query }) => workerManager.listPauses(query),
  ),
  endpoint(
    {
      name: 'listWorkerPoolsStats',
      method: 'GET',
      path: '/worker-pools/stats',
      category,
      title: 'Numbers of all worker pools',
      description: 'How many workers each pool has in each state, and their capacity.',
      stability: 'experimental',
      scopes: 'worker-manager:list-worker-pools',
      query: pagination,
      output: schema.workerPoolListStats,
    },
    ({ workerManager }, { query }) => workerManager.listPoolsStats(query),
  ),
  endpoint(
    {
      name: 'reportWorkerError',
      method: 'POST',
      path: '/worker-pool-errors/<workerPoolId>',
      ...ofPool,
      category: 'Worker Interface',
      title: 'Report an error of a worker',
      description: 'Kept for a week, and mailed to the owner of the pool if it asks for that.',
      stability: 'stable',
      scopes: { AllOf: ['assume:worker-pool:<workerPoolId>', 'assume:worker-id:<workerGroup>/<workerId>'] },
      input: schema.reportWorkerErrorRequest,
      output: schema.workerPoolError,
    },
    ({ workerManager }, { params, body, authorize }) => {
      authorize({ workerGroup: body.workerGroup, workerId: body.workerId });
      return workerManager.reportWorkerError({ ...params, ...body });
    },
  ),
  endpoint(
    {
      name: 'workerPoolErrorStats',
      method: 'GET',
      path: '/worker-pool-errors/stats',
      category,
      title: 'Numbers of errors',
      description: 'Errors of the last seven days by day, hour, title, code, launch config and pool.',
      stability: 'experimental',
      scopes: errorScope,
      query: { workerPoolId: parameters.taskQueueId },
      output: schema.workerPoolErrorStats,
    },
    ({ workerManager }, { query: { workerPoolId }, authorize }) => {
      authorize({ workerPoolId: workerPoolId ?? '*' });
      return workerManager.errorStats(workerPoolId ?? null);
    },
  ),
  endpoint(
    {
      name: 'listWorkerPoolErrors',
      method: 'GET',
      path: '/worker-pool-errors/<workerPoolId>',
      ...ofPool,
      category,
      title: 'List the errors of a pool',
      description: 'Errors of the last seven days, the latest first.',
      stability: 'stable',
      scopes: errorScope,
      query: { ...pagination, launchConfigId: parameters.identifier, errorId: parameters.slugid },
      output: schema.workerPoolErrorList,
    },
    ({ workerManager }, { params, query }) => workerManager.listErrors({ ...params, ...query }),
  ),
  endpoint(
    {
      name: 'workerPoolDecisions',
      method: 'GET',
      path: '/worker-pool-decisions/<workerPoolId>',
      ...ofPool,
      category,
      title: 'List what was decided about a pool',
      description: 'Why workers were started and ended, or not, in the last seven days; the latest first.',
      stability: 'experimental',
      scopes: 'worker-manager:list-provisioning-decisions:<workerPoolId>',
      query: pagination,
      output: schema.provisioningDecisionList,
    },
    ({ workerManager }, { params, query }) => workerManager.listDecisions({ ...params, ...query }),
  ),
  endpoint(
    {
      name: 'workerPoolSamples',
      method: 'GET',
      path: '/worker-pool-samples/<workerPoolId>',
      ...ofPool,
      category,
      title: 'What a pool had and cost',
      description:
        'Workers, idle workers and the price of a pool in the last seven days, in means over a quarter of an hour each.',
      stability: 'experimental',
      scopes: 'worker-manager:list-provisioning-decisions:<workerPoolId>',
      output: schema.poolSampleList,
    },
    ({ workerManager }, { params }) => workerManager.listSamples(params),
  ),
];
