import type { ServiceDeclaration } from '../http/index.ts';
import { exchanges } from './exchanges.ts';
import { contextOf, type GivenContext, openOn, type WorkerManager } from './open.ts';
import { providerSchemas } from './providers/index.ts';
import { routes, type WorkerManagerServices } from './routes/index.ts';
import * as schema from './schema/index.ts';

export type { WorkerManager } from './open.ts';
export { type LocalSettings, ProviderSettings, reservedProviderIds } from './providers/index.ts';
export * as simulation from './provisioning/simulation/index.ts';
export type { PoolVerbs } from './service/index.ts';

/** Opens worker pools with the providers of this deployment. */
export const createWorkerManager = (given: GivenContext): WorkerManager => openOn(contextOf(given));

/** What this service publishes. */
export const workerManagerDeclaration: ServiceDeclaration<WorkerManagerServices> = {
  service: {
    serviceName: 'worker-manager',
    title: 'Worker Manager',
    description: 'Keeps worker pools, starts and admits their workers, and says which of them should go.',
  },
  routes,
  exchanges,
  schemas: [...schema.configSchemas, ...providerSchemas, ...schema.otherCloudSchemas, ...schema.taskParts],
};
