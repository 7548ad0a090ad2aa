// Generated from the server's contracts by `npm run generate`. Do not edit.
import { type CallOptions, type QueryOptions, type ServiceClient, serviceClass } from '../service.ts';

export type AllPurgeCacheRequestList = {
  requests: CachesToPurge[];
  continuationToken?: string;
};
export type CachesToPurge = {
  provisionerId: string;
  workerType: string;
  cacheName: string;
  before: string;
};
export type PurgeCacheRequest = {
  cacheName: string;
};
export type PurgeCacheRequestList = {
  requests: CachesToPurge[];
};

export interface PurgeCacheApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** Purge a cache. */
  purgeCache(workerPoolId: string, body: PurgeCacheRequest, options?: CallOptions): Promise<void>;
  /** List what all pools have to purge. */
  allPurgeRequests(options?: QueryOptions<'continuationToken' | 'limit'>): Promise<AllPurgeCacheRequestList>;
  /** List what a pool has to purge. */
  purgeRequests(workerPoolId: string, options?: QueryOptions<'since'>): Promise<PurgeCacheRequestList>;
}

export type PurgeCache = PurgeCacheApi & ServiceClient;
export const PurgeCache = serviceClass<PurgeCacheApi>('purge-cache', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  purgeCache: { method: 'POST', route: '/purge-cache/<workerPoolId>', title: 'Purge a cache', input: true },
  allPurgeRequests: { method: 'GET', route: '/purge-cache/list', title: 'List what all pools have to purge', query: ['continuationToken', 'limit'] },
  purgeRequests: { method: 'GET', route: '/purge-cache/<workerPoolId>', title: 'List what a pool has to purge', query: ['since'] },
});
