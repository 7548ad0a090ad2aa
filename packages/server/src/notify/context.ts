import type { Answer, BaseContext, Signal, Sql } from '../base/index.ts';
import type { Render } from './rendering/index.ts';
import type { Senders } from './senders/index.ts';
import type { Tally } from './tally.ts';

/** What notify is opened with. */
export interface Context extends BaseContext {
  readonly senders: Senders;
  readonly tally: Tally;
  /** Begins a page of messages, and returns what renders their templates. */
  readonly renderer: () => Render;
  /** Woken when there is something to send. */
  readonly accepted: Signal;
  /** The address under which clients reach the platform; messages link to it. */
  rootUrl(): string;
  /** Definitions of tasks as JSON text, each or why there is none. */
  readDefinitions(sql: Sql, taskIds: readonly string[]): Promise<Answer<string>[]>;
}
