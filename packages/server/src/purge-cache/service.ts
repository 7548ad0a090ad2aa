import {
  BrieflyKnown,
  bindQueries,
  bindVerbs,
  days,
  inBatches,
  inReads,
  later,
  type ReadVerb,
  RequestError,
  type Sql,
  type Verb,
  type Work,
} from '../base/index.ts';
import { type PageQuery, pageLimit, pagesOf } from '../http/index.ts';
import type { Context } from './context.ts';
import type { PurgeCacheRequests } from './schema.ts';
import * as store from './store.ts';

/** A cache of a worker pool. */
export type CacheRef = Omit<store.PurgeRequest, 'before'>;

/** Requests are kept for this long. A worker that has not asked by then has no old caches any more. */
const keptMs = days(1);
const cacheNameBytesMax = 1000;

/** Asks the workers of pools to delete the caches of some names that they have now. */
const purgeCaches: Verb<CacheRef, undefined, Context> = async (tx, caches, { now, context }) => {
  const distinct = new Map(caches.map((cache) => [`${cache.workerPoolId}/${cache.cacheName}`, cache]));
  await store.upsertRequests(tx, [...distinct.values()], { before: now, expires: later(now, keptMs) });
  const workerPoolIds = [...new Set(caches.map(({ workerPoolId }) => workerPoolId))];
  tx.afterCommit(() => context.changed.wake(workerPoolIds));
  return caches.map(() => undefined);
};

/** The open requests of each worker pool. */
const readRequests: ReadVerb<string, store.PurgeRequest[], Context> = async (sql, workerPoolIds, { now }) => {
  const rows = await store.readRequestsOf(sql, [...new Set(workerPoolIds)], now);
  return workerPoolIds.map((wanted) => rows.filter(({ workerPoolId }) => workerPoolId === wanted));
};

const pages = pagesOf('purge-cache.allPurgeRequests', ['text', 'text']);

/** A page of the requests of all pools. */
const listRequests = async (sql: Sql, { limit, continuationToken }: PageQuery, { now }: Work<Context>) => {
  const [workerPoolId, cacheName] = pages.keyIn(continuationToken) ?? ['', ''];
  const found = await store.listRequests(sql, { workerPoolId, cacheName, now, limit: pageLimit(limit) });
  const { rows, ...more } = pages.pageOf(found, limit, (row) => [row.workerPoolId, row.cacheName]);
  return { requests: rows.map(viewOf), ...more };
};

const viewOf = ({ workerPoolId, cacheName, before }: store.PurgeRequest): PurgeCacheRequests[number] => {
  const [provisionerId = '', workerType = ''] = workerPoolId.split('/');
  return { provisionerId, workerType, cacheName, before: before.toJSON() };
};

const verbs = { purgeCaches: inBatches(purgeCaches), readPurgeRequests: inReads(readRequests) };
const queries = { listAll: listRequests };

/** The verbs of purge-cache, bound to what it was opened with. */
export const purgeCacheVerbs = (context: Context) => {
  const bound = bindVerbs(context, verbs);
  const known = new BrieflyKnown(context, bound.readPurgeRequests.one);
  return {
    ...bindQueries(context, queries),
    purge: async (cache: CacheRef): Promise<undefined> => {
      if (Buffer.byteLength(cache.cacheName) > cacheNameBytesMax)
        throw new RequestError('InputError', `The name of a cache has at most ${cacheNameBytesMax} bytes.`);
      return bound.purgeCaches.one(cache);
    },
    /** The caches that a pool has to purge, by requests since a time. */
    requestsOf: async (workerPoolId: string, since?: Date): Promise<{ requests: PurgeCacheRequests }> => {
      const requests = await known.of(workerPoolId);
      const wanted = since ? requests.filter(({ before }) => before >= since) : requests;
      return { requests: wanted.map(viewOf) };
    },
  };
};

export type PurgeCacheVerbs = ReturnType<typeof purgeCacheVerbs>;
