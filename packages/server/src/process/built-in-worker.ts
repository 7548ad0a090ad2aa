import { localPoolId } from './local-pool.ts';

/** The name of the worker that runs in the process of the platform. */
export const builtInWorker = {
  taskQueueId: localPoolId,
  workerGroup: 'local',
  workerId: 'built-in',
} as const;

const { taskQueueId, workerGroup, workerId } = builtInWorker;

/** The scopes of the worker itself. The scopes of tasks come with their claims. */
export const builtInWorkerScopes: readonly string[] = [
  `queue:claim-work:${taskQueueId}`,
  `queue:worker-id:${workerGroup}/${workerId}`,
  `purge-cache:purge-requests::${taskQueueId}`,
];
