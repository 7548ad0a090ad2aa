import type { AuditEntry } from '../auth/index.ts';
import type { BaseContext, Encryption, Signal, Transaction } from '../base/index.ts';
import type { Caller } from '../http/index.ts';
import type { NotifyVerbs } from '../notify/index.ts';
import type { QueueContext } from '../queue/index.ts';
import type { Rendering } from './rendering/index.ts';

/** What the domains below and `app.ts` give to hooks. */
export interface HooksContext extends BaseContext {
  /** What the queue's verbs work with. */
  readonly queue: QueueContext;
  readonly encryption: Encryption;
  /** The prefix of the names of our exchanges on the broker. */
  readonly exchangePrefix: string;
  /** The URL of the broker on which other programs publish, if there is one; it holds a password. */
  readonly amqpUrl?: string | undefined;
  /** Woken after changes of hooks; shared between processes. */
  readonly changed: Signal;
  /** A caller with just these scopes and what roles add to them. */
  callerFor(scopes: readonly string[]): Promise<Caller>;
  recordAudit(tx: Transaction, entries: readonly AuditEntry[]): Promise<void>;
  readonly email: NotifyVerbs['email'];
}

/** What hooks are opened with. */
export interface Context extends HooksContext {
  readonly rendering: Rendering;
  /** Woken when there are messages that fire hooks. */
  readonly arrived: Signal;
}
