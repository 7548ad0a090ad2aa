import { days, later, minutes, seconds, transact } from '../base/index.ts';
import type { Context } from './context.ts';
import { nextAttempt } from './lifecycle.ts';
import { type OutgoingType, Refusal, ToldToWait } from './senders/index.ts';
import * as store from './store.ts';
import type { Fate } from './tally.ts';

// Longer than any attempt takes: when a process ends during one, others take its messages after this time.
const attemptMs = minutes(5);

/** Bounds of the wait that the other side asks for; in all, a message waits no longer than a day. */
const [waitMinMs, waitMaxMs, keptMs] = [seconds(1), minutes(30), days(1)];

/** A message and the outcome of the attempt to send it. */
interface Attempt {
  readonly row: store.OutgoingRow;
  readonly fate: Extract<Fate, 'sent' | 'delayed' | 'refused' | 'given-up'>;
  readonly dueAt?: Date;
  /** Whether it counts towards the most attempts. */
  readonly counts?: boolean;
}

/**
 * Sends messages that are due, outside of any transaction; returns how many it tried. Mails and different rooms go side by
 * side, messages to one room in order. A message that was sent just before a crash is sent again: its key tells.
 */
export const sendDue = async (context: Context, limit: number): Promise<number> => {
  if (!(await store.isAnyDue(context.db, dueAt(context.clock.now())))) return 0;
  const rows = await transact(context, (tx, now) =>
    store.takeOutgoing(tx, { ...dueAt(now), until: later(now, attemptMs), limit }),
  );
  if (rows.length === 0) return 0;
  const lines = new Map<string, store.OutgoingRow[]>();
  for (const row of rows) {
    const line = row.type === 'email' ? String(row.id) : `${row.type} ${row.address}`;
    lines.set(line, [...(lines.get(line) ?? []), row]);
  }
  const attempts = await Promise.all([...lines.values()].map((line) => sendInOrder(context, line)));
  await settle(context, attempts.flat());
  return rows.length;
};

const dueAt = (now: Date): store.Due => ({ now, farthest: later(now, waitMaxMs) });

/** Sends the messages to one room in order: when one has to wait, so do those behind it. */
const sendInOrder = async (context: Context, line: readonly store.OutgoingRow[]): Promise<Attempt[]> => {
  const began = context.clock.elapsed();
  const attempts: Attempt[] = [];
  for (const row of line) {
    const dueAt = attempts.at(-1)?.dueAt ?? (isTimeUp(context, began) ? context.clock.now() : undefined);
    attempts.push(dueAt ? { row, fate: 'delayed', dueAt, counts: false } : await attempt(context, row));
  }
  return attempts;
};

/** No other process takes our messages for `attemptMs`: the last attempt has to end before. */
const isTimeUp = ({ clock }: Context, began: number): boolean => clock.elapsed() - began > attemptMs / 2;

const attempt = async (context: Context, row: store.OutgoingRow): Promise<Attempt> => {
  const { id, type, address, attempts } = row;
  const fateOf = (fate: Attempt['fate'], delay: Pick<Attempt, 'dueAt' | 'counts'> = {}): Attempt => {
    context.tally.count(type, fate);
    return { row, fate, ...delay };
  };
  try {
    const sender = context.senders[type as OutgoingType];
    if (!sender) throw new Error(`This process has no way out for ${type}`);
    const key = `${row.digest}.${id}`;
    await sender.send({ key, address, message: JSON.parse(row.message) as object });
    return fateOf('sent');
  } catch (err) {
    const delay = delayAfter(err, row, context.clock.now());
    const about = { err, type, address, attempts };
    if (delay) {
      context.log.info({ ...about, ...delay }, 'a notification could not be sent, and is tried again');
      return fateOf('delayed', delay);
    }
    context.log.warn(about, 'a notification could not be sent, and is given up');
    return fateOf(err instanceof Refusal ? 'refused' : 'given-up');
  }
};

/** When a message is tried again; undefined when it is given up. */
const delayAfter = (
  error: unknown,
  { attempts, acceptedAt }: store.OutgoingRow,
  now: Date,
): { dueAt: Date; counts: boolean } | undefined => {
  if (error instanceof Refusal) return undefined;
  if (error instanceof ToldToWait) {
    const waitMs = Math.min(Math.max(error.waitMs, waitMinMs), waitMaxMs);
    return later(acceptedAt, keptMs) < now ? undefined : { dueAt: later(now, waitMs), counts: false };
  }
  const dueAt = nextAttempt(attempts, now);
  return dueAt && { dueAt, counts: true };
};

/** Writes the outcomes of the attempts. Messages that were given up may be requested again. */
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
      attempts.flatMap(({ row, dueAt, counts = true }) => (dueAt ? [{ id: row.id, dueAt, counts }] : [])),
    );
  });
