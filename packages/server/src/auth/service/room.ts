import {
  type Clock,
  type Database,
  type Encryption,
  type Logger,
  type Transaction,
  transact,
} from '../../base/index.ts';
import type { Authorize, Caller } from '../../http/index.ts';
import type { Directory } from '../directory.ts';
import type { Message } from '../events.ts';
import * as store from '../store.ts';

/** Where messages are left in the transaction of the change that they report. */
export interface Outbox {
  append(tx: Transaction, messages: readonly Message[], now: Date): Promise<unknown>;
}

/** What every verb of auth works with. */
export interface Room {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly encryption: Encryption;
  readonly outbox: Outbox;
  readonly directory: Directory;
  /** Called after commits that left messages. */
  published(): void;
}

/** Who asks for a change, and the check of what they may. */
export interface By {
  readonly caller: Caller;
  readonly authorize: Authorize;
}

/** A page of a listing, as a query asks for it. */
export interface PageQuery {
  readonly limit?: number;
  readonly continuationToken?: string;
}

/** What a change did: where the entity is, what happened to it, and what to tell the world. */
export interface Recorded {
  readonly entry: Omit<store.AuditEntry, 'created'>;
  readonly message: Message;
}

/** The record of a change, kept and published in its own transaction. */
export const record = async (
  { outbox }: Room,
  tx: Transaction,
  { changes, now, subject }: { changes: readonly Recorded[]; now: Date; subject: store.Subject },
): Promise<void> => {
  if (changes.length === 0) return;
  await store.addAuditEntries(
    tx,
    changes.map(({ entry }) => ({ ...entry, created: now })),
  );
  await outbox.append(
    tx,
    changes.map(({ message }) => message),
    now,
  );
  // Last, since it makes other changes wait for the end of this one.
  await store.bumpVersion(tx, subject);
};

/** Runs a change as one transaction, and has this process act on it before anybody is answered. */
export const change = async <T>(room: Room, run: (tx: Transaction, now: Date) => Promise<T>): Promise<T> => {
  const result = await transact(room, run);
  room.published();
  await room.directory.changed();
  return result;
};
