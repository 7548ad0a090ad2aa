import type { BaseContext, Encryption, Signal, Transaction } from '../base/index.ts';
import type { Directory } from './directory.ts';
import type { Origin } from './hawk.ts';
import type { Message, OtherParties, StaticClient } from './schema/index.ts';

/** Where messages are left in the transaction of the change that they report. */
export interface Outbox {
  append(tx: Transaction, messages: readonly Message[], now: Date): Promise<unknown>;
}

/** What auth is given by `app.ts`. */
export interface GivenAuthContext extends BaseContext, OtherParties {
  readonly encryption: Encryption;
  readonly outbox: Outbox;
  /** Woken after changes of clients and roles; shared between processes, it makes them known everywhere at once. */
  readonly changed?: Signal | undefined;
  /** Clients of the configuration; `static/taskcluster/queue` must be among them. */
  readonly staticClients: readonly StaticClient[];
  /** Names and ports of this server that callers may use, besides what the Host header says. */
  readonly origins?: readonly Origin[] | undefined;
  /** Whether a proxy in front of this server sets X-Forwarded-* headers; otherwise anybody could, and none counts. */
  readonly trustsProxy?: boolean | undefined;
  /** Whether temporary credentials of this name hold no more, whatever their certificate says. */
  readonly isRevoked?: ((clientId: string) => boolean) | undefined;
  /** Entries of the audit history are deleted after this many days; never when absent. */
  readonly auditRetentionDays?: number | undefined;
}

/** What auth is opened with. */
export interface Context extends GivenAuthContext {
  /** Clients and roles in memory. */
  readonly directory: Directory;
}
