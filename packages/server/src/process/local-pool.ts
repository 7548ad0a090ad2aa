import { availableParallelism } from 'node:os';
import type { Config } from '../config/index.ts';
import type { PoolVerbs } from '../worker-manager/index.ts';

/** The task queue of tasks without another one, on a laptop. */
export const localPoolId = 'local/built-in';

/** Few processes that take several tasks each start faster than many. */
const capacityPerWorkerMax = 4;

/**
 * Creates the pool of workers on this machine, for as many tasks at once as the configuration says, or ends it when none is
 * configured.
 */
export const settleLocalPool = (workerManager: PoolVerbs, { worker, role }: Config): Promise<void> => {
  const providerId = 'local';
  if (!worker.enabled || worker.mode !== 'pool' || role !== 'all') {
    return workerManager.dropPool({ workerPoolId: localPoolId, providerId });
  }
  const maxCapacity = worker.capacity ?? availableParallelism();
  const capacityPerInstance = Math.min(maxCapacity, capacityPerWorkerMax);
  return workerManager.ensurePool({
    workerPoolId: localPoolId,
    definition: {
      providerId,
      description: 'Workers on this machine: as many as there are tasks for.',
      owner: 'operator@localhost.localdomain',
      emailOnError: false,
      config: {
        minCapacity: 0,
        maxCapacity,
        launchConfigs: [{ workerManager: { launchConfigId: 'process', capacityPerInstance } }],
      },
    },
  });
};
