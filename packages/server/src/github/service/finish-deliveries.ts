import type { Verb } from '../../base/index.ts';
import { type Message, outbox } from '../../events/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store/index.ts';
import { plain } from '../texts.ts';

/** What became of a delivery that made no tasks. */
export interface Finished {
  readonly delivery: store.TakenDelivery;
  /** In words; null for one that is tried again. */
  readonly outcome: string | null;
  /** A comment that is to be written then. */
  readonly comment?: string | undefined;
  /** When it is tried again. */
  readonly retryAt?: Date;
  /** What is said about it. */
  readonly messages?: readonly Message[];
}

/** Texts of people's files may hold what the database cannot keep, and nobody can read. */
const readable = (text: string | null | undefined): string | null => (text == null ? null : plain(text));

/** What is written: over, given up, due again for its comment, or due again as it is. */
export const settlementOf = (
  {
    delivery: { eventId, attempts, comment: unwritten },
    outcome,
    comment,
    retryAt,
  }: Omit<Finished, 'messages'>,
  now: Date,
): store.Settlement => {
  if (retryAt) return { eventId, attempts, outcome: null, comment: unwritten, dueAt: retryAt };
  // A comment that could not be written is all that is left to do when GitHub sends the delivery again.
  if (outcome === store.givenUp) return { eventId, attempts, outcome, comment: unwritten, dueAt: null };
  return comment === undefined
    ? { eventId, attempts, outcome: readable(outcome), comment: null, dueAt: null }
    : { eventId, attempts, outcome: readable(outcome), comment: readable(comment), dueAt: now };
};

/** Writes what became of deliveries, and says what is to be said. One that somebody else has taken since is left alone. */
export const finishDeliveries: Verb<Finished, undefined, Context> = async (
  tx,
  finished,
  { now, context },
) => {
  const rows = finished.map((each) => settlementOf(each, now));
  const settled = new Set(await store.settleDeliveries(tx, rows));
  const messages = finished
    .filter(({ delivery }) => settled.has(delivery.eventId))
    .flatMap(({ messages: said = [] }) => said);
  await outbox.append(tx, messages, now);
  if (rows.some(({ dueAt }) => dueAt)) tx.afterCommit(() => context.arrived.wake());
  return finished.map(() => undefined);
};
