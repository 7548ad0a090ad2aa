import {
  type Answer,
  type BatchDeps,
  batched,
  batchedRead,
  days,
  later,
  RequestError,
  type Signal,
  type Sql,
  type Transaction,
} from '../base/index.ts';
import { pageLimit, pagesOf } from '../http/index.ts';
import { knownRequests } from './known-requests.ts';
import type { AllPurgeCacheRequestList, PurgeCacheRequests } from './schema.ts';
import * as store from './store.ts';

export interface Room extends BatchDeps {
  /** Woken with the ids of pools that have something new to purge; shared between processes. */
  readonly changed: Signal;
}

/** A cache of a worker pool. */
export type CacheRef = Omit<store.PurgeRequest, 'before'>;

/** For so long workers are told: one that has seen nothing of it by then has asked for nothing, and has no caches. */
const keptMs = days(1);
const cacheNameBytesMax = 1000;

/** Asks the workers of pools to throw away what they have under some names until now. */
const purgeCaches = async (
  { changed }: Room,
  tx: Transaction,
  { caches, now }: { caches: readonly CacheRef[]; now: Date },
): Promise<undefined[]> => {
  const distinct = new Map(caches.map((cache) => [`${cache.workerPoolId}/${cache.cacheName}`, cache]));
  await store.upsertRequests(tx, [...distinct.values()], { before: now, expires: later(now, keptMs) });
  tx.afterCommit(() => changed.wake([...new Set(caches.map(({ workerPoolId }) => workerPoolId))]));
  return caches.map(() => undefined);
};

const requireSound = ({ cacheName }: CacheRef): void => {
  if (Buffer.byteLength(cacheName) <= cacheNameBytesMax) return;
  throw new RequestError(
    'InputError',
    `The name of a cache must not be longer than ${cacheNameBytesMax} bytes.`,
  );
};

const viewOf = ({ workerPoolId, cacheName, before }: store.PurgeRequest): PurgeCacheRequests[number] => {
  const [provisionerId = '', workerType = ''] = workerPoolId.split('/');
  return { provisionerId, workerType, cacheName, before: before.toJSON() };
};

const requestsOf = async (
  db: Sql,
  workerPoolIds: readonly string[],
  now: Date,
): Promise<Answer<store.PurgeRequest[]>[]> => {
  const rows = await store.readRequestsOf(db, [...new Set(workerPoolIds)], now);
  return workerPoolIds.map((wanted) => rows.filter(({ workerPoolId }) => workerPoolId === wanted));
};

/** What a page of all requests is asked with. */
export interface Listing {
  readonly limit?: number | undefined;
  readonly continuationToken?: string | undefined;
}

const pages = pagesOf('purge-cache.allPurgeRequests', ['text', 'text']);

/** A page of the requests of all pools. */
const listAll = async (
  { db, clock }: Room,
  { limit, continuationToken }: Listing,
): Promise<AllPurgeCacheRequestList> => {
  const [workerPoolId, cacheName] = pages.keyIn(continuationToken) ?? ['', ''];
  const found = await store.listRequests(db, {
    workerPoolId,
    cacheName,
    now: clock.now(),
    limit: pageLimit(limit),
  });
  const { rows, ...more } = pages.pageOf(found, limit, (request) => [
    request.workerPoolId,
    request.cacheName,
  ]);
  return { requests: rows.map(viewOf), ...more };
};

/** The verbs of purge-cache, bound to where they work. */
export const bindVerbs = (room: Room) => {
  const purges = batched(room, 'purge-caches', (tx, caches: CacheRef[], now) =>
    purgeCaches(room, tx, { caches, now }),
  );
  const reads = batchedRead(room, 'read-purge-requests', (db, workerPoolIds: string[]) =>
    requestsOf(db, workerPoolIds, room.clock.now()),
  );
  const known = knownRequests(room, reads.one);
  return {
    purge: async (cache: CacheRef): Promise<undefined> => {
      requireSound(cache);
      return purges.one(cache);
    },
    /** The caches that a pool has to purge, of requests from this time on. */
    requestsOf: async (workerPoolId: string, since?: Date): Promise<{ requests: PurgeCacheRequests }> => {
      const requests = await known.of(workerPoolId);
      const wanted = since ? requests.filter(({ before }) => before >= since) : requests;
      return { requests: wanted.map(viewOf) };
    },
    listAll: (listing: Listing) => listAll(room, listing),
  };
};

export type PurgeCacheVerbs = ReturnType<typeof bindVerbs>;
