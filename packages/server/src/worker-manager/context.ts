import type { AuditEntry, CredentialsWanted } from '../auth/index.ts';
import type { BaseContext, Signal, Transaction } from '../base/index.ts';
import type { Email } from '../notify/index.ts';
import type { QueueVerbs } from '../queue/index.ts';
import type { WorkerVerbs } from '../workers/index.ts';
import type { Provider } from './providers/provider.ts';

/** What worker-manager is opened with: what lives as long as the process. */
export interface Context extends BaseContext {
  /** By id, in the order of the configuration. */
  readonly providers: ReadonlyMap<string, Provider>;
  readonly queue: Pick<QueueVerbs, 'loseWorkers'>;
  readonly workers: Pick<WorkerVerbs, 'getWorker' | 'listWorkers' | 'sightingEveryMs'>;
  /** Woken when workers are to be started or ended, or get no more work; shared between processes. */
  readonly changed: Signal;
  /** Woken when it is known in this process that other workers than before get no more work, or get some again. */
  readonly barredKnown: Signal;
  /** Woken with the pools that were created or changed; shared between processes. */
  readonly poolsChanged: Signal;
  /**
   * Woken with the pools whose workers, or the runs that these hold, have changed: the next round looks at them. Shared between
   * processes.
   */
  readonly poolsTouched: Signal;
  /** Woken when workers were put into quarantine, or let out of it; shared between processes. */
  readonly quarantinesChanged: Signal;
  /** Woken with the task queues in which tasks became pending. */
  readonly pendingChanged: Signal;
  /** The URL by which workers reach the platform; empty until it listens. */
  rootUrl(): string;
  issueCredentials(wanted: CredentialsWanted): IssuedCredentials;
  recordAudit(tx: Transaction, entries: readonly AuditEntry[]): Promise<void>;
  /** Sends mails once the transaction is committed. */
  email(tx: Transaction, emails: readonly Email[]): Promise<void>;
}

export interface IssuedCredentials {
  readonly clientId: string;
  readonly accessToken: string;
  readonly certificate: string;
}
