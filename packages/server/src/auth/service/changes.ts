import {
  type Change,
  oneByOne as eachInTurn,
  type Transaction,
  type Verb,
  type Work,
} from '../../base/index.ts';
import type { Authorize, Caller } from '../../http/index.ts';
import type { Context } from '../context.ts';
import type { Message } from '../schema/index.ts';
import * as store from '../store.ts';

/** The check of a caller's scopes. It throws InsufficientScopes. */
export interface Asking {
  readonly authorize: Authorize;
}

/** Who asks for a change. */
export interface By extends Asking {
  readonly caller: Caller;
}

/** A change, as it is recorded and published. */
export interface Recorded {
  readonly entry: Omit<store.AuditEntry, 'created'>;
  readonly message: Message;
}

/** Records and publishes some changes in their transaction. */
export const record = async (
  tx: Transaction,
  changes: readonly Recorded[],
  { now, context, subject }: Work<Context> & { readonly subject: store.Subject },
): Promise<void> => {
  if (changes.length === 0) return;
  await store.addAuditEntries(
    tx,
    changes.map(({ entry }) => ({ ...entry, created: now })),
  );
  await context.outbox.append(
    tx,
    changes.map(({ message }) => message),
    now,
  );
  // Last, since it makes other changes wait for the end of this one.
  await store.bumpVersion(tx, subject);
};

/** Makes a verb of a change of one thing in auth. */
export const oneByOne: <In, Out>(change: Change<In, Out, Context>) => Verb<In, Out, Context> = eachInTurn;
