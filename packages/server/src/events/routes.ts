import { parameters, type Route, routeFor } from '../http/index.ts';
import type { EventVerbs } from './service.ts';
import { parseBindings } from './stream.ts';

export interface EventServices {
  readonly events: EventVerbs;
}

const endpoint = routeFor<EventServices>();

export const routes: readonly Route<EventServices>[] = [
  endpoint(
    {
      name: 'stream',
      method: 'GET',
      path: '/stream',
      category: 'Events',
      title: 'Follow messages',
      description:
        'The messages of all services as server-sent events, from now on or, with the header `Last-Event-ID`, from ' +
        'after that event. `bindings` is a JSON array of `{exchange, routingKeyPattern}`; without it, everything ' +
        'is sent. The data of an event is `{exchange, routingKey, routes, payload}`.',
      stability: 'experimental',
      scopes: 'events:stream',
      query: { bindings: parameters.matching(/^\[/) },
      output: 'blob',
      waits: true,
    },
    ({ events }, { query, request, signal, caller }) =>
      events.openStream({
        clientId: caller.clientId,
        bindings: parseBindings(query.bindings),
        lastEventId: request.headers['last-event-id'] as string | undefined,
        gone: signal,
      }),
  ),
];
