import { groupRoutes } from './groups.ts';
import { taskRoutes } from './tasks.ts';
import { taskQueueRoutes, workerRoutes } from './workers.ts';

export type { QueueServices } from './contracts.ts';

/** The queue's own endpoints; those of artifacts and of workers are published under the same service. */
export const routes = [...taskRoutes, ...groupRoutes, ...workerRoutes, ...taskQueueRoutes];
