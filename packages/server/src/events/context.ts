import type { BaseContext, Signal } from '../base/index.ts';
import type { Follower } from './follow.ts';
import type { Relay, RelaySettings } from './relay/index.ts';
import type { StreamCounts } from './stream-counts.ts';
import type { Subscriptions } from './subscriptions/index.ts';

/** What `domains.ts` passes to events. */
export interface GivenEventsContext extends BaseContext {
  /** Woken after commits that added messages. */
  readonly changed: Signal;
  /** Messages are kept for this long, in seconds. */
  readonly retentionSeconds: number;
  /** With it, messages are published to a broker as well. */
  readonly relay?: RelaySettings | undefined;
}

/** What events are opened with. */
export interface Context extends Omit<GivenEventsContext, 'relay'> {
  readonly follower: Follower;
  readonly subscriptions: Subscriptions;
  /** The streams that are open in this process. */
  readonly streams: StreamCounts;
  readonly relay: Relay | undefined;
  /** Aborts when the process is about to end. Streams end then, and their readers reconnect to another process. */
  readonly closing: AbortSignal;
}
