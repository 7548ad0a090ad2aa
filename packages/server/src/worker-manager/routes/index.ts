import { poolRoutes } from './pools.ts';
import { workerRoutes } from './workers.ts';

export type { WorkerManagerServices } from './parameters.ts';

/** The methods of the service `worker-manager`. */
export const routes = [...poolRoutes, ...workerRoutes];
