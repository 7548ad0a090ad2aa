import { localPoolId } from './local-pool.ts';

/** The worker that runs beside the platform, in its process. Whoever starts the platform starts it under this name. */
export const builtInWorker = {
  taskQueueId: localPoolId,
  workerGroup: 'local',
  workerId: 'built-in',
} as const;

const { taskQueueId, workerGroup, workerId } = builtInWorker;

/** All that it may do by itself; what its tasks may do comes with their claims. */
export const builtInWorkerScopes: readonly string[] = [
  `queue:claim-work:${taskQueueId}`,
  `queue:worker-id:${workerGroup}/${workerId}`,
  `purge-cache:purge-requests::${taskQueueId}`,
];
