import type { BaseContext } from '../base/index.ts';
import type { Caller } from '../http/index.ts';
import type { QueueContext } from '../queue/index.ts';

/** What task graphs are opened with. */
export interface Context extends BaseContext {
  /** The context of the queue's verbs. */
  readonly queue: QueueContext;
  /** A caller with exactly these scopes and what roles add to them. */
  callerFor(scopes: readonly string[]): Promise<Caller>;
}
