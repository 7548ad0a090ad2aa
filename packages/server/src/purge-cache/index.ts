import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { Context } from './context.ts';
import { purgeCacheLoops } from './loops.ts';
import { type PurgeCacheServices, routes } from './routes.ts';
import * as schema from './schema.ts';
import { type PurgeCacheVerbs, purgeCacheVerbs } from './service.ts';

/** The door of purge-cache. */
export type PurgeCache = Domain<PurgeCacheVerbs>;

/** Opens purge-cache. */
export const createPurgeCache = (context: Context): PurgeCache => ({
  verbs: purgeCacheVerbs(context),
  routes,
  loops: purgeCacheLoops(context),
});

/** What this service publishes. */
export const purgeCacheDeclaration: ServiceDeclaration<PurgeCacheServices> = {
  service: {
    serviceName: 'purge-cache',
    title: 'Purge-cache',
    description: 'Tells workers which of their caches to delete.',
  },
  routes,
  // A part of the listings, published on its own because clients look it up.
  schemas: [schema.purgeCacheRequests],
};
