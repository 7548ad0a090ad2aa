import type { Readable } from 'node:stream';
import type { Clock, Database, Logger, Loop, Signal } from '../base/index.ts';
import type { Reply, ServiceDeclaration } from '../http/index.ts';
import { createFollower, type Follower } from './follow.ts';
import { eventLoops } from './loops.ts';
import { createRelay, type Lag, type RelaySettings } from './relay/index.ts';
import { type EventServices, routes } from './routes.ts';
import { adoptMessages, isFromElsewhere } from './store.ts';
import { openStream, type StreamRequest } from './stream.ts';
import { StreamCounts } from './stream-counts.ts';
import { createSubscriptions, type Subscription, type SubscriptionState } from './subscriptions/index.ts';

export { type Message, routingKey } from './message.ts';
export * as outbox from './outbox.ts';
export { type Binding, matcher } from './patterns.ts';
export type { RelaySettings } from './relay/index.ts';
export type { Subscription } from './subscriptions/index.ts';

interface EventsDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  /** Woken after commits that added messages. */
  readonly changed: Signal;
  /** Messages are kept for so long, in seconds. */
  readonly retentionSeconds: number;
  readonly closing: AbortSignal;
  /** With it, messages are published to a broker as well. */
  readonly relay?: RelaySettings | undefined;
}

export interface Events {
  readonly follower: Follower;
  readonly loops: readonly Loop[];
  /** Registers a consumer of messages before `start`; its loop is background work that any number of processes may do. */
  subscribe(subscription: Subscription): Loop;
  /**
   * To be awaited before anything is read: takes over messages that came with a dump of another server, and gives new
   * subscriptions their place.
   */
  start(): Promise<void>;
  openStream(request: StreamRequest): Promise<Reply>;
  /** How many streams this process has open. */
  followers(): number;
  /** How far publishing to the broker lags behind, where this process publishes. */
  readonly readLag?: (() => Promise<Lag>) | undefined;
  /** How far subscriptions have come. */
  readSubscriptions(): Promise<SubscriptionState[]>;
  /** Leaves the broker; to be called when the loops have ended. */
  close(): Promise<void>;
}

/** The messages of all services: written by `outbox.append`, read by followers and by the relay to the broker. */
export const createEvents = (deps: EventsDeps): Events => {
  const follower = createFollower(deps);
  const relay = deps.relay && createRelay(deps.relay, deps);
  const subscriptions = createSubscriptions(deps);
  const streams = new StreamCounts();
  const retention = { retentionSeconds: deps.retentionSeconds, publishedOnly: relay !== undefined };
  return {
    follower,
    loops: [...eventLoops(deps, retention), subscriptions.watchLoop, ...(relay ? [relay.loop] : [])],
    subscribe: subscriptions.subscribe,
    start: async () => {
      const { db } = deps;
      if (await isFromElsewhere(db)) await db.transaction(adoptMessages);
      await subscriptions.start();
    },
    openStream: async (request) => {
      const leave = streams.enter(request.clientId);
      try {
        const reply = await openStream({ ...deps, follower }, request);
        (reply.body as Readable).once('close', leave);
        return reply;
      } catch (error) {
        leave();
        throw error;
      }
    },
    followers: () => streams.total,
    readLag: relay?.readLag,
    readSubscriptions: subscriptions.readStates,
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
