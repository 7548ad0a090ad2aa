import type { Readable } from 'node:stream';
import type { Clock, Database, Loop, Signal } from '../base/index.ts';
import type { Reply, ServiceDeclaration } from '../http/index.ts';
import { createFollower, type Follower } from './follow.ts';
import { eventLoops } from './loops.ts';
import { createRelay, type Lag, type RelaySettings } from './relay/index.ts';
import { type EventServices, routes } from './routes.ts';
import { adoptMessages, isFromElsewhere } from './store.ts';
import { openStream, type StreamRequest } from './stream.ts';

export { type Message, routingKey } from './message.ts';
export * as outbox from './outbox.ts';
export type { Lag, RelaySettings } from './relay/index.ts';
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
  /** To be awaited before anything is read: takes over messages that came with a dump of another server. */
  start(): Promise<void>;
  openStream(request: StreamRequest): Promise<Reply>;
  /** How many streams this process has open. */
  followers(): number;
  /** How far publishing to the broker lags behind, where this process publishes. */
  readonly readLag?: (() => Promise<Lag>) | undefined;
  /** Leaves the broker; to be called when the loops have ended. */
  close(): Promise<void>;
}

/** The messages of all services: written by `outbox.append`, read by followers and by the relay to the broker. */
export const createEvents = (deps: EventsDeps): Events => {
  const follower = createFollower(deps);
  const relay = deps.relay && createRelay(deps.relay, deps);
  let streams = 0;
  const retention = { retentionSeconds: deps.retentionSeconds, publishedOnly: relay !== undefined };
  return {
    follower,
    loops: [...eventLoops(deps, retention), ...(relay ? [relay.loop] : [])],
    start: async () => {
      const { db } = deps;
      if (await isFromElsewhere(db)) await db.transaction(adoptMessages);
    },
    openStream: async (request) => {
      const reply = await openStream({ ...deps, follower }, request);
      streams++;
      (reply.body as Readable).once('close', () => streams--);
      return reply;
    },
    followers: () => streams,
    readLag: relay?.readLag,
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
