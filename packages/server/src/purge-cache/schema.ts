import { type Static, Type } from 'typebox';
import { ContinuationToken, DateTime, exactly, Identifier, publish } from '../http/index.ts';

const CacheName = Type.String({ description: 'The name of a cache of any kind.' });

export const purgeCacheRequest = publish(
  'purge-cache',
  'purge-cache-request',
  exactly({ cacheName: CacheName }, { title: 'Cache to purge' }),
);

const PurgeCacheRequests = Type.Array(
  exactly({ provisionerId: Identifier, workerType: Identifier, cacheName: CacheName, before: DateTime }),
  {
    title: 'Caches to purge',
    description: 'Caches of these names that were made before these times must be deleted.',
  },
);
export type PurgeCacheRequests = Static<typeof PurgeCacheRequests>;
export const purgeCacheRequests = publish('purge-cache', 'purge-cache-requests', PurgeCacheRequests);

export const purgeCacheRequestList = publish(
  'purge-cache',
  'purge-cache-request-list',
  exactly({ requests: PurgeCacheRequests }, { title: 'Caches that a worker pool has to purge' }),
);

export const allPurgeCacheRequestList = publish(
  'purge-cache',
  'all-purge-cache-request-list',
  exactly(
    { requests: PurgeCacheRequests, continuationToken: Type.Optional(ContinuationToken) },
    { title: 'Page of all caches to purge' },
  ),
);
