import { pagination, parameters, type Route, routeFor } from '../../http/index.ts';
import * as schema from '../schema/index.ts';
import { poolId, stateFilter, type WorkerManagerServices, workerParams } from './parameters.ts';

const endpoint = routeFor<WorkerManagerServices>();
const category = 'Workers';
const worker = '<workerPoolId>/<workerGroup>/<workerId>';
const path = `/workers/${worker}`;
const removedByApi = 'removed through the API';

export const workerRoutes: readonly Route<WorkerManagerServices>[] = [
  endpoint(
    {
      name: 'listWorkersForWorkerGroup',
      method: 'GET',
      path: '/workers/<workerPoolId>/<workerGroup>',
      category,
      title: 'List the workers of a group',
      description: 'Workers of a pool that are of one group, in the order of their ids.',
      stability: 'stable',
      scopes: 'worker-manager:list-workers:<workerPoolId>/<workerGroup>',
      params: { ...poolId, workerGroup: parameters.identifier },
      query: pagination,
      output: schema.workerList,
    },
    ({ workerManager }, { params, query }) => workerManager.listWorkers({ ...params, ...query }),
  ),
  endpoint(
    {
      name: 'worker',
      method: 'GET',
      path,
      category,
      title: 'Get a worker',
      description: 'What is known of a worker that a provider has started, or that was created.',
      stability: 'stable',
      scopes: `worker-manager:get-worker:${worker}`,
      params: workerParams,
      output: schema.workerFull,
    },
    ({ workerManager }, { params }) => workerManager.readWorker(params),
  ),
  endpoint(
    {
      name: 'createWorker',
      method: 'PUT',
      path,
      category,
      title: 'Create a worker',
      description:
        'Declares a worker of a static pool, with the secret that it will register with. An id that was ever used is a ' +
        'conflict, but for the same call again within 15 minutes.',
      stability: 'stable',
      scopes: `worker-manager:create-worker:${worker}`,
      params: workerParams,
      input: schema.createWorkerRequest,
      output: schema.workerFull,
      secretInput: true,
    },
    ({ workerManager }, { params, body, caller: { clientId } }) =>
      workerManager.createWorker({ ...params, definition: body, clientId }),
  ),
  endpoint(
    {
      name: 'updateWorker',
      method: 'POST',
      path,
      category,
      title: 'Change a worker',
      description: 'Changes a worker of a static pool. An expiry in the past ends it.',
      stability: 'stable',
      scopes: `worker-manager:update-worker:${worker}`,
      params: workerParams,
      input: schema.createWorkerRequest,
      output: schema.workerFull,
      secretInput: true,
    },
    ({ workerManager }, { params, body, caller: { clientId } }) =>
      workerManager.updateWorker({ ...params, definition: body, clientId }),
  ),
  endpoint(
    {
      name: 'removeWorker',
      method: 'DELETE',
      path,
      category,
      title: 'Remove a worker',
      description: 'Lets a worker go. What it has claimed is given to others.',
      stability: 'stable',
      scopes: `worker-manager:remove-worker:${worker}`,
      params: workerParams,
    },
    ({ workerManager }, { params, caller: { clientId } }) =>
      workerManager.removeWorker({ ...params, clientId }, removedByApi),
  ),
  endpoint(
    {
      name: 'drainWorker',
      method: 'POST',
      path: `${path}/drain`,
      category,
      title: 'Drain a worker',
      description:
        'Gives a worker that a provider has started no more tasks: it ends with its last, and others are started in its ' +
        'place. A worker says so itself when it goes, for example because its cloud takes its machine back.',
      stability: 'experimental',
      scopes: `worker-manager:remove-worker:${worker}`,
      params: workerParams,
    },
    ({ workerManager }, { params, caller: { clientId } }) =>
      workerManager.drainWorker({ ...params, clientId }),
  ),
  endpoint(
    {
      name: 'shouldWorkerTerminate',
      method: 'GET',
      path: `${path}/should-terminate`,
      category,
      title: 'Ask whether a worker should go',
      description: 'The latest decision about a worker. The worker acts on it when it is idle.',
      stability: 'experimental',
      scopes: `worker-manager:should-worker-terminate:${worker}`,
      params: workerParams,
      output: schema.shouldWorkerTerminateResponse,
    },
    ({ workerManager }, { params, caller: { clientId } }) =>
      workerManager.shouldWorkerTerminate({ ...params, clientId }),
  ),
  endpoint(
    {
      name: 'listWorkersForWorkerPool',
      method: 'GET',
      path: '/workers/<workerPoolId>',
      rest: 'workerPoolId',
      category,
      title: 'List the workers of a pool',
      description:
        'Workers of a pool in the order of group and id; all, or those of a state or launch config.',
      stability: 'stable',
      scopes: 'worker-manager:list-workers:<workerPoolId>',
      params: poolId,
      query: { ...pagination, launchConfigId: parameters.identifier, state: stateFilter },
      output: schema.workerList,
    },
    ({ workerManager }, { params, query }) => workerManager.listWorkers({ ...params, ...query }),
  ),
  endpoint(
    {
      name: 'registerWorker',
      method: 'POST',
      path: '/worker/register',
      category: 'Worker Interface',
      title: 'Register a worker',
      description: 'Exchanges a proof of identity for credentials.',
      stability: 'stable',
      input: schema.registerWorkerRequest,
      output: schema.registerWorkerResponse,
      secretInput: true,
    },
    ({ workerManager }, { body }) => workerManager.registerWorker(body),
  ),
  endpoint(
    {
      name: 'reregisterWorker',
      method: 'POST',
      path: '/worker/reregister',
      category: 'Worker Interface',
      title: 'Register a worker again',
      description:
        'Exchanges the secret that came with the last credentials for new ones, and another secret.',
      stability: 'experimental',
      scopes: `worker-manager:reregister-worker:${worker}`,
      input: schema.reregisterWorkerRequest,
      output: schema.reregisterWorkerResponse,
      secretInput: true,
    },
    ({ workerManager }, { body, authorize }) => {
      authorize(body);
      return workerManager.reregisterWorker(body);
    },
  ),
  endpoint(
    {
      name: 'listWorkers',
      method: 'GET',
      path: '/provisioners/<provisionerId>/worker-types/<workerType>/workers',
      category: 'Worker Metadata',
      title: 'List the workers of a pool, provisioned or not',
      description:
        'All workers that the queue has seen or a provider has started. Filtered pages may be short.',
      stability: 'experimental',
      scopes: 'worker-manager:list-workers:<provisionerId>/<workerType>',
      params: { provisionerId: parameters.identifier, workerType: parameters.identifier },
      query: {
        ...pagination,
        quarantined: parameters.boolean,
        launchConfigId: parameters.identifier,
        workerState: parameters.matching(/^(requested|running|stopping|stopped|standalone)$/),
      },
      output: schema.listWorkersResponse,
    },
    ({ workerManager }, { params, query }) => workerManager.listSeenWorkers({ ...params, ...query }),
  ),
  endpoint(
    {
      name: 'getWorker',
      method: 'GET',
      path: '/provisioners/<provisionerId>/worker-types/<workerType>/workers/<workerGroup>/<workerId>',
      category: 'Worker Metadata',
      title: 'Get a worker, provisioned or not',
      description: 'What the queue has seen of a worker, and what is known of it here.',
      stability: 'experimental',
      scopes: 'worker-manager:get-worker:<provisionerId>/<workerType>/<workerGroup>/<workerId>',
      params: {
        provisionerId: parameters.identifier,
        workerType: parameters.identifier,
        workerGroup: parameters.identifier,
        workerId: parameters.identifier,
      },
      output: schema.workerResponse,
    },
    ({ workerManager }, { params }) => workerManager.getSeenWorker(params),
  ),
];
