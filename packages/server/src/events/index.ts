import type { Loop } from '../base/index.ts';
import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { Context, GivenEventsContext } from './context.ts';
import { createFollower } from './follow.ts';
import { eventLoops } from './loops.ts';
import { Relay } from './relay/index.ts';
import { type EventServices, routes } from './routes.ts';
import { type EventVerbs, eventVerbs, startReading } from './service.ts';
import { StreamCounts } from './stream-counts.ts';
import { type Subscription, Subscriptions } from './subscriptions/index.ts';

export { type Message, routingKey } from './message.ts';
export * as outbox from './outbox.ts';
export { type Binding, matcher } from './patterns.ts';
export type { RelaySettings } from './relay/index.ts';
export type { Subscription } from './subscriptions/index.ts';

/** The messages of all services: written by `outbox.append`, read by followers, by subscriptions and by the relay. */
export interface Events extends Domain<EventVerbs> {
  /** Registers a consumer of messages before `start`; its loop is background work that any number of processes may do. */
  subscribe(subscription: Subscription): Loop;
  start(): Promise<void>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Opens events. */
export const createEvents = (given: GivenEventsContext): Events => {
  const closing = new AbortController();
  const { signal } = closing;
  const subscriptions = new Subscriptions(given);
  const relay = given.relay && new Relay(given.relay, { ...given, closing: signal });
  const follower = createFollower(given);
  const streams = new StreamCounts();
  const context: Context = { ...given, follower, subscriptions, streams, relay, closing: signal };
  return {
    verbs: eventVerbs(context),
    routes,
    loops: eventLoops(context),
    subscribe: (subscription) => subscriptions.subscribe(subscription),
    start: () => startReading(context),
    drain: async () => closing.abort(),
    close: async () => {
      subscriptions.close();
      await relay?.close();
    },
  };
};

export const eventsDeclaration: ServiceDeclaration<EventServices> = {
  service: {
    serviceName: 'events',
    title: 'Events',
    description: 'The messages that all services publish, read over HTTP without a broker.',
  },
  routes,
};
