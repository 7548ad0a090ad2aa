import type { Clock, Database, Loop, Signal } from '../base/index.ts';
import type { Reply, ServiceDeclaration } from '../http/index.ts';
import { createFollower, type Follower } from './follow.ts';
import { eventLoops } from './loops.ts';
import { createRelay, type RelaySettings } from './relay/index.ts';
import { type EventServices, routes } from './routes.ts';
import { openStream, type StreamRequest } from './stream.ts';

export { type Message, routingKey } from './message.ts';
export * as outbox from './outbox.ts';
export type { RelaySettings } from './relay/index.ts';
export type { EventServices } from './routes.ts';

export interface EventsDeps {
  readonly db: Database;
  readonly clock: Clock;
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
  openStream(request: StreamRequest): Promise<Reply>;
  /** Leaves the broker; to be called when the loops have ended. */
  close(): Promise<void>;
}

/** The messages of all services: written by `outbox.append`, read by followers and by the relay to the broker. */
export const createEvents = (deps: EventsDeps): Events => {
  const follower = createFollower(deps);
  const relay = deps.relay && createRelay(deps.relay, deps);
  const retention = { retentionSeconds: deps.retentionSeconds, publishedOnly: relay !== undefined };
  return {
    follower,
    loops: [...eventLoops(deps, retention), ...(relay ? [relay.loop] : [])],
    openStream: (request) => openStream({ ...deps, follower }, request),
    close: async () => relay?.close(),
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
