import { dateIn, RequestError } from '../base/index.ts';
import { type Parameter, pagination, parameters, type Route, routeFor } from '../http/index.ts';
import * as schema from './schema.ts';
import type { PurgeCacheVerbs } from './service.ts';

/** The services that the handlers of purge-cache use. */
export interface PurgeCacheServices {
  readonly purgeCache: PurgeCacheVerbs;
}

const endpoint = routeFor<PurgeCacheServices>();

const about = { category: 'Purge-Cache Service', stability: 'stable' } as const;
const ofPool = {
  ...about,
  path: '/purge-cache/<workerPoolId>',
  rest: 'workerPoolId',
  // Workers of others may have names that no task can ask for.
  params: { workerPoolId: parameters.matching(/^[A-Za-z0-9_-]{1,38}\/[A-Za-z0-9_-]{1,38}$/) },
} as const;

/** Clients send times as their language writes them: what `Date` reads is a time. */
const date: Parameter<Date> = {
  pattern: /./,
  parse: (text) => {
    const time = dateIn(text);
    if (time) return time;
    throw new RequestError(
      'InvalidRequestArguments',
      `Query parameter since is '${text}', which is not a time.`,
    );
  },
};

/** The methods of the service `purge-cache`. */
export const routes: readonly Route<PurgeCacheServices>[] = [
  endpoint(
    {
      ...ofPool,
      name: 'purgeCache',
      method: 'POST',
      scopes: 'purge-cache:<workerPoolId>:<cacheName>',
      input: schema.purgeCacheRequest,
      title: 'Purge a cache',
      description:
        'Asks the workers of a pool to delete their caches of this name. Caches that are made afterwards stay. The ' +
        'request lasts a day.',
    },
    ({ purgeCache }, { params, body, authorize }) => {
      authorize(body);
      return purgeCache.purge({ ...params, ...body });
    },
  ),
  endpoint(
    {
      ...about,
      name: 'allPurgeRequests',
      method: 'GET',
      path: '/purge-cache/list',
      query: pagination,
      scopes: 'purge-cache:all-purge-requests',
      output: schema.allPurgeCacheRequestList,
      title: 'List what all pools have to purge',
      description: 'For people; workers ask about their own pool instead.',
    },
    ({ purgeCache }, { query }) => purgeCache.listAll(query),
  ),
  endpoint(
    {
      ...ofPool,
      name: 'purgeRequests',
      method: 'GET',
      query: { since: date },
      scopes: 'purge-cache:purge-requests::<workerPoolId>',
      output: schema.purgeCacheRequestList,
      title: 'List what a pool has to purge',
      description:
        'Workers call it before they run a task, with the time of their last call as `since`, and delete caches of ' +
        'these names that were made before these times.',
    },
    ({ purgeCache }, { params, query }) => purgeCache.requestsOf(params.workerPoolId, query.since),
  ),
];
