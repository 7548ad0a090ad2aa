import type { Transaction, Verb, Work } from '../../base/index.ts';
import type { Authorize, Caller } from '../../http/index.ts';
import type { Context } from '../context.ts';
import type { Message } from '../schema/index.ts';
import * as store from '../store.ts';

/** The check of what a caller may. It throws InsufficientScopes. */
export interface Asking {
  readonly authorize: Authorize;
}

/** Who asks for a change. */
export interface By extends Asking {
  readonly caller: Caller;
}

/** What a change did: where the entity is, what happened to it, and what to tell the world. */
export interface Recorded {
  readonly entry: Omit<store.AuditEntry, 'created'>;
  readonly message: Message;
}

/** The record of some changes, kept and published in their own transaction. */
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

/** A change of one thing. What it throws rolls back the whole transaction. */
type Change<In, Out> = (tx: Transaction, item: In, work: Work<Context>) => Promise<Out>;

/** The verb of a change that people make now and then, and each after the one before it: bind it by `alone`. */
export const oneByOne =
  <In, Out>(change: Change<In, Out>): Verb<In, Out, Context> =>
  async (tx, items, work) => {
    const answers: Out[] = [];
    for (const item of items) answers.push(await change(tx, item, work));
    return answers;
  };
