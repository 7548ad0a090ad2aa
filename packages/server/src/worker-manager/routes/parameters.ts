import { parameters } from '../../http/index.ts';
import type { PoolVerbs } from '../service/index.ts';

/** What the handlers of this domain work with. */
export interface WorkerManagerServices {
  readonly workerManager: PoolVerbs;
}

export const poolId = { workerPoolId: parameters.taskQueueId };
export const workerParams = {
  ...poolId,
  workerGroup: parameters.identifier,
  workerId: parameters.identifier,
};
export const stateFilter = parameters.matching(/^(requested|running|stopping|stopped)$/);
