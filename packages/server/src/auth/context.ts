import type { BaseContext, Encryption, Signal, Transaction } from '../base/index.ts';
import type { Directory } from './directory.ts';
import type { Origin } from './hawk.ts';
import type { Message, OtherParties, StaticClient } from './schema/index.ts';

/** The outbox, to which messages are appended in the transaction of the change that they report. */
export interface Outbox {
  append(tx: Transaction, messages: readonly Message[], now: Date): Promise<unknown>;
}

/** What auth is given by `app.ts`. */
export interface GivenAuthContext extends BaseContext, OtherParties {
  readonly encryption: Encryption;
  readonly outbox: Outbox;
  /** Woken after changes of clients and roles. When it is shared between processes, changes show everywhere at once. */
  readonly changed?: Signal | undefined;
  /** Clients of the configuration; `static/taskcluster/queue` must be among them. */
  readonly staticClients: readonly StaticClient[];
  /** Names and ports of this server that callers may sign, besides those of the Host header. */
  readonly origins?: readonly Origin[] | undefined;
  /** Whether a proxy in front of this server sets X-Forwarded-* headers. Otherwise anyone could, and they are ignored. */
  readonly trustsProxy?: boolean | undefined;
  /** Whether temporary credentials of this name have been revoked, whatever their certificate says. */
  readonly isRevoked?: ((clientId: string) => boolean) | undefined;
  /** Entries of the audit history are deleted after this many days; never when absent. */
  readonly auditRetentionDays?: number | undefined;
}

/** What auth is opened with. */
export interface Context extends GivenAuthContext {
  /** Clients and roles in memory. */
  readonly directory: Directory;
}
