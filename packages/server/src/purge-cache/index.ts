import type { Loop } from '../base/index.ts';
import type { ServiceDeclaration } from '../http/index.ts';
import { purgeCacheLoops } from './loops.ts';
import { type PurgeCacheServices, routes } from './routes.ts';
import * as schema from './schema.ts';
import { bindVerbs, type PurgeCacheVerbs, type Room } from './service.ts';

/** The door of purge-cache. */
export interface PurgeCache extends PurgeCacheVerbs {
  readonly loops: readonly Loop[];
}

/** Opens purge-cache. */
export const createPurgeCache = (room: Room): PurgeCache => ({
  ...bindVerbs(room),
  loops: purgeCacheLoops(room),
});

/** What this service publishes. */
export const purgeCacheDeclaration: ServiceDeclaration<PurgeCacheServices> = {
  service: {
    serviceName: 'purge-cache',
    title: 'Purge-cache',
    description: 'Tells workers which of their caches to throw away.',
  },
  routes,
  // A part of the listings, published by itself because clients look it up.
  schemas: [schema.purgeCacheRequests],
};
