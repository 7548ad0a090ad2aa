import { later, minutes, transact } from '../base/index.ts';
import type { Context } from './context.ts';
import { nextAttempt } from './lifecycle.ts';
import { type OutgoingType, Refusal } from './senders/index.ts';
import * as store from './store.ts';
import type { Fate } from './tally.ts';

// Longer than any attempt takes: who ends in the middle of one leaves its messages to the others.
const attemptMs = minutes(5);

/** A message and what came of the attempt to send it. */
interface Attempt {
  readonly row: store.OutgoingRow;
  readonly fate: Extract<Fate, 'sent' | 'delayed' | 'refused' | 'given-up'>;
  readonly dueAt?: Date;
}

/**
 * Sends messages that are due, side by side, outside of any transaction; returns how many it tried. A message that was
 * sent just before a crash is sent again: its key tells.
 */
export const sendDue = async (context: Context, limit: number): Promise<number> => {
  const now = context.clock.now();
  const rows = await store.takeOutgoing(context.db, { now, until: later(now, attemptMs), limit });
  if (rows.length === 0) return 0;
  await settle(context, await Promise.all(rows.map((row) => attempt(context, row))));
  return rows.length;
};

const attempt = async (context: Context, row: store.OutgoingRow): Promise<Attempt> => {
  const { id, type, address, attempts } = row;
  const fateOf = (fate: Attempt['fate'], dueAt?: Date): Attempt => {
    context.tally.count(type, fate);
    return { row, fate, ...(dueAt ? { dueAt } : {}) };
  };
  try {
    const sender = context.senders[type as OutgoingType];
    if (!sender) throw new Error(`This process has no way out for ${type}`);
    const key = `${row.digest}.${id}`;
    await sender.send({ key, address, message: JSON.parse(row.message) as object });
    return fateOf('sent');
  } catch (err) {
    const dueAt = err instanceof Refusal ? undefined : nextAttempt(attempts, context.clock.now());
    const about = { err, type, address, attempts };
    if (dueAt) {
      context.log.info({ ...about, dueAt }, 'a notification could not be sent, and is tried again');
      return fateOf('delayed', dueAt);
    }
    context.log.warn(about, 'a notification could not be sent, and is given up');
    return fateOf(err instanceof Refusal ? 'refused' : 'given-up');
  }
};

/** Writes down what came of the attempts. What was given up may be asked for again. */
const settle = (context: Context, attempts: readonly Attempt[]): Promise<void> =>
  transact(context, async (tx) => {
    const isLost = ({ fate }: Attempt) => fate === 'refused' || fate === 'given-up';
    await store.deleteOutgoing(
      tx,
      attempts.filter(({ dueAt }) => !dueAt).map(({ row }) => row.id),
    );
    await store.forgetRecent(
      tx,
      attempts.filter(isLost).map(({ row }) => row.digest),
    );
    await store.postponeOutgoing(
      tx,
      attempts.flatMap(({ row, dueAt }) => (dueAt ? [{ id: row.id, dueAt }] : [])),
    );
  });
