import { type BaseContext, later, minutes, transact } from '../base/index.ts';
import { nextAttempt } from './lifecycle.ts';
import { type OutgoingType, Refusal, type Senders } from './senders/index.ts';
import * as store from './store.ts';
import type { Fate, Tally } from './tally.ts';

export interface SendingDeps extends BaseContext {
  readonly senders: Senders;
  readonly tally: Tally;
}

// Longer than any attempt takes: who ends in the middle of one leaves its messages to the others.
const attemptMs = minutes(5);

/** A message and what came of the attempt to send it. */
interface Attempt {
  readonly row: store.OutgoingRow;
  readonly fate: Extract<Fate, 'sent' | 'delayed' | 'refused' | 'given-up'>;
  readonly dueAt?: Date;
}

/**
 * Sends messages that are due, side by side, outside of any transaction; answers how many it tried. A message that was
 * sent just before a crash is sent again: its key tells.
 */
export const sendDue = async (deps: SendingDeps, limit: number): Promise<number> => {
  const now = deps.clock.now();
  const rows = await store.takeOutgoing(deps.db, { now, until: later(now, attemptMs), limit });
  if (rows.length === 0) return 0;
  await settle(deps, await Promise.all(rows.map((row) => attempt(deps, row))));
  return rows.length;
};

const attempt = async (deps: SendingDeps, row: store.OutgoingRow): Promise<Attempt> => {
  const { id, type, address, attempts } = row;
  const fateOf = (fate: Attempt['fate'], dueAt?: Date): Attempt => {
    deps.tally.count(type, fate);
    return { row, fate, ...(dueAt ? { dueAt } : {}) };
  };
  try {
    const sender = deps.senders[type as OutgoingType];
    if (!sender) throw new Error(`This process has no way out for ${type}`);
    const key = `${row.digest}.${id}`;
    await sender.send({ key, address, message: JSON.parse(row.message) as object });
    return fateOf('sent');
  } catch (err) {
    const dueAt = err instanceof Refusal ? undefined : nextAttempt(attempts, deps.clock.now());
    const about = { err, type, address, attempts };
    if (dueAt) {
      deps.log.info({ ...about, dueAt }, 'a notification could not be sent, and is tried again');
      return fateOf('delayed', dueAt);
    }
    deps.log.warn(about, 'a notification could not be sent, and is given up');
    return fateOf(err instanceof Refusal ? 'refused' : 'given-up');
  }
};

/** Writes down what came of the attempts. What was given up may be asked for again. */
const settle = (deps: SendingDeps, attempts: readonly Attempt[]): Promise<void> =>
  transact(deps, async (tx) => {
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
