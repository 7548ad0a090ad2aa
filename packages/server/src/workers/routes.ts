import { pagination, parameters, type Route, routeFor } from '../http/index.ts';
import {
  listProvisionersResponse,
  listTaskqueuesResponse,
  listWorkersResponse,
  listWorkertypesResponse,
  provisionerResponse,
  quarantineWorkerRequest,
  taskqueueResponse,
  updateWorkerRequest,
  workerResponse,
  workertypeResponse,
} from './schema.ts';
import type { WorkerVerbs } from './service.ts';

/** The services that the handlers of this domain use. */
export interface WorkersServices {
  readonly workers: WorkerVerbs;
}

const endpoint = routeFor<WorkersServices>();

const category = 'Worker Metadata';
const provisionerParams = { provisionerId: parameters.identifier };
const workerTypeParams = { ...provisionerParams, workerType: parameters.identifier };
const workerParams = {
  ...workerTypeParams,
  workerGroup: parameters.identifier,
  workerId: parameters.identifier,
};

/** The API methods of task queues and workers; they are part of the service `queue`. */
export const routes: readonly Route<WorkersServices>[] = [
  endpoint(
    {
      name: 'listProvisioners',
      method: 'GET',
      path: '/provisioners',
      category,
      title: 'List provisioners',
      description:
        'The first halves of the ids of all known task queues, each with the sum of their activity.',
      stability: 'deprecated',
      scopes: 'queue:list-provisioners',
      query: pagination,
      output: listProvisionersResponse,
    },
    ({ workers }, { query }) => workers.listProvisioners(query),
  ),
  endpoint(
    {
      name: 'getProvisioner',
      method: 'GET',
      path: '/provisioners/<provisionerId>',
      category,
      title: 'Get a provisioner',
      description: 'The activity of all task queues whose id begins with this provisioner.',
      stability: 'deprecated',
      scopes: 'queue:get-provisioner:<provisionerId>',
      params: provisionerParams,
      output: provisionerResponse,
    },
    ({ workers }, { params }) => workers.getProvisioner(params.provisionerId),
  ),
  endpoint(
    {
      name: 'listWorkerTypes',
      method: 'GET',
      path: '/provisioners/<provisionerId>/worker-types',
      category,
      title: 'List the worker types of a provisioner',
      description: 'The known task queues of one provisioner. `listTaskQueues` tells the same of all.',
      stability: 'deprecated',
      scopes: 'queue:list-worker-types:<provisionerId>',
      params: provisionerParams,
      query: pagination,
      output: listWorkertypesResponse,
    },
    ({ workers }, { params, query }) => workers.listWorkerTypes({ ...params, ...query }),
  ),
  endpoint(
    {
      name: 'getWorkerType',
      method: 'GET',
      path: '/provisioners/<provisionerId>/worker-types/<workerType>',
      category,
      title: 'Get a worker type',
      description: 'When workers of this type were last active. `getTaskQueue` tells the same.',
      stability: 'deprecated',
      scopes: 'queue:get-worker-type:<provisionerId>/<workerType>',
      params: workerTypeParams,
      output: workertypeResponse,
    },
    ({ workers }, { params }) => workers.getWorkerType(params),
  ),
  endpoint(
    {
      name: 'listTaskQueues',
      method: 'GET',
      path: '/task-queues',
      category,
      title: 'List task queues',
      description: 'All task queues at which a worker has asked for work lately, in the order of their ids.',
      stability: 'stable',
      scopes: 'queue:list-task-queues',
      query: pagination,
      output: listTaskqueuesResponse,
    },
    ({ workers }, { query }) => workers.listTaskQueues(query),
  ),
  endpoint(
    {
      name: 'getTaskQueue',
      method: 'GET',
      path: '/task-queues/<taskQueueId>',
      rest: 'taskQueueId',
      category,
      title: 'Get a task queue',
      description: 'When a worker last asked for work there. Tasks alone do not make a task queue known.',
      stability: 'stable',
      scopes: 'queue:get-task-queue:<taskQueueId>',
      params: { taskQueueId: parameters.taskQueueId },
      output: taskqueueResponse,
    },
    ({ workers }, { params }) => workers.getTaskQueue(params.taskQueueId),
  ),
  endpoint(
    {
      name: 'listWorkers',
      method: 'GET',
      path: '/provisioners/<provisionerId>/worker-types/<workerType>/workers',
      category,
      title: 'List the workers of a worker type',
      description:
        'Workers that were seen lately or are quarantined. `quarantined=true` lists only those that are, ' +
        '`quarantined=false` only the others.',
      stability: 'deprecated',
      scopes: 'queue:list-workers:<provisionerId>/<workerType>',
      params: workerTypeParams,
      query: { ...pagination, quarantined: parameters.boolean },
      output: listWorkersResponse,
    },
    ({ workers }, { params, query }) => workers.listWorkers({ ...params, ...query }),
  ),
  endpoint(
    {
      name: 'getWorker',
      method: 'GET',
      path: '/provisioners/<provisionerId>/worker-types/<workerType>/workers/<workerGroup>/<workerId>',
      category,
      title: 'Get a worker',
      description: 'When a worker was seen, what it claimed last, and the history of its quarantines.',
      stability: 'deprecated',
      scopes: 'queue:get-worker:<provisionerId>/<workerType>/<workerGroup>/<workerId>',
      params: workerParams,
      output: workerResponse,
    },
    ({ workers }, { params }) => workers.getWorker(params),
  ),
  endpoint(
    {
      name: 'quarantineWorker',
      method: 'PUT',
      path: '/provisioners/<provisionerId>/worker-types/<workerType>/workers/<workerGroup>/<workerId>',
      category,
      title: 'Quarantine a worker',
      description:
        'Until the given date the worker is given no new work; it may finish what it holds. ' +
        'A date in the past ends the quarantine. Each order is kept in the history of the worker.',
      stability: 'experimental',
      scopes: {
        AllOf: ['queue:quarantine-worker:<provisionerId>/<workerType>/<workerGroup>/<workerId>'],
      },
      params: workerParams,
      input: quarantineWorkerRequest,
      output: workerResponse,
    },
    ({ workers }, { params, body, caller }) =>
      workers.quarantineWorker({ ...params, ...body, clientId: caller.clientId }),
  ),
  endpoint(
    {
      name: 'declareWorker',
      method: 'PUT',
      path: '/provisioners/<provisionerId>/worker-types/<workerType>/<workerGroup>/<workerId>',
      category,
      title: 'Declare a worker',
      description:
        'Makes a worker known that has not asked for work yet, or has its record kept longer. ' +
        'Each property of the body needs a scope of its own.',
      stability: 'experimental',
      scopes: {
        AllOf: [
          {
            for: 'property',
            in: 'properties',
            each: 'queue:declare-worker:<provisionerId>/<workerType>/<workerGroup>/<workerId>#<property>',
          },
        ],
      },
      params: workerParams,
      input: updateWorkerRequest,
      output: workerResponse,
    },
    ({ workers }, { params, body, authorize }) => {
      authorize({ ...params, properties: Object.keys(body) });
      return workers.declareWorker({ ...params, ...body });
    },
  ),
];
