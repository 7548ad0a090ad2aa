import {
  type Clock,
  type Database,
  type Logger,
  type Loop,
  later,
  type Signal,
  seconds,
} from '../../base/index.ts';
import { createAlarm } from '../alarm.ts';
import { currentSnapshot, messagesBetween } from '../store.ts';
import { type Broker, createBroker, type Session } from './broker.ts';
import { createSender, exchangeUnder } from './sending.ts';
import * as store from './store.ts';

/** What an operator says about the broker, and what we know of messages. */
export interface RelaySettings {
  /** AMQP URL; it holds a password. */
  readonly url: string;
  /** Replaces `exchange/taskcluster-` at the beginning of all names of exchanges. */
  readonly exchangePrefix: string;
  /** All exchanges that messages may go to, by their canonical names. */
  readonly exchanges: readonly string[];
  /** Connections whose commits wake nobody: the relay would wake itself, and its neighbours, without end. */
  readonly db: Database;
  readonly log: Logger;
}

export interface RelayDeps {
  readonly clock: Clock;
  /** Woken after commits that added messages. */
  readonly changed: Signal;
  readonly closing: AbortSignal;
}

/** Publishes the outbox to RabbitMQ. */
export interface Relay {
  readonly loop: Loop;
  /** How far publishing lags behind: messages are counted up to a limit. */
  readLag(): Promise<store.Lag>;
  close(): Promise<void>;
}

// Hundreds of messages wait for their confirmation together; more would only wait longer.
const pageSizeMax = 500;
// A wake-up of another process may get lost; then messages are late by this much.
const lookAtLeastEveryMs = seconds(2);
// Messages of commits that follow each other closely go together.
const gatherMs = 5;
// While another relay works, this one stands by.
const standByMs = 500;
const reportEveryMs = seconds(30);
const worthReportingMs = seconds(10);
const countUpTo = 100_000;

/** Says at most every half minute how far publishing lags behind, and once that it has caught up. */
const createReporter = ({ db, log }: RelaySettings, clock: Clock) => {
  let nextAt = clock.now();
  let isBehind = false;
  return async (): Promise<void> => {
    const now = clock.now();
    if (now < nextAt) return;
    nextAt = later(now, reportEveryMs);
    const { messages, oldestAt, skipped } = await store.readLag(db, countUpTo);
    const lagMs = oldestAt ? now.getTime() - oldestAt.getTime() : 0;
    if (lagMs >= worthReportingMs) {
      isBehind = true;
      log.warn({ messages, lagSeconds: Math.round(lagMs / 1000), skipped }, 'messages wait for RabbitMQ');
    } else if (isBehind) {
      isBehind = false;
      log.info({ messages, skipped }, 'RabbitMQ has nearly all messages again');
    }
  };
};

/**
 * A relay publishes the outbox step by step, as followers read it. Each page is sent and confirmed under the lock on
 * the cursor, which then moves past it: so one relay sends at a time, and a message that was sent without the cursor
 * having moved is sent again, with all that follow it, in the same order.
 */
export const createRelay = (settings: RelaySettings, deps: RelayDeps): Relay => {
  const { db, log, exchangePrefix } = settings;
  const { clock, closing } = deps;
  const { ready, wakeAfter, close } = createAlarm(clock);
  const stopListening = deps.changed.each(() => wakeAfter(gatherMs, 'changed'));
  const exchanges = settings.exchanges.map((exchange) => exchangeUnder(exchangePrefix, exchange));
  const broker: Broker = createBroker({ url: settings.url, exchanges, clock, log, ready });
  const sender = createSender({ clock, log, exchangePrefix, closing });
  const report = createReporter(settings, clock);
  let restsUntil = clock.now();

  const restFor = (ms: number): void => {
    restsUntil = later(clock.now(), ms);
    wakeAfter(ms + 1, 'rested');
  };

  /** Says whether there is more to do at once. */
  const publishPage = (session: Session, limit: number): Promise<boolean> =>
    db.transaction(async (tx) => {
      const cursor = await store.lockCursor(tx);
      if (!cursor) {
        restFor(standByMs);
        return false;
      }
      const { since, afterId } = cursor;
      const until = cursor.until === since ? await currentSnapshot(tx) : cursor.until;
      const size = sender.pageSize(limit);
      const messages = await messagesBetween(tx, { since, until, afterId, limit: size });
      const { done, skipped } = await sender.sendPage(session, messages);
      if (done === messages.length && done < size) {
        await store.moveCursor(tx, { since: until, until, afterId: 0 }, skipped);
        return false;
      }
      const lastId = messages[done - 1]?.id;
      if (lastId !== undefined) await store.moveCursor(tx, { since, until, afterId: lastId }, skipped);
      return done === messages.length;
    });

  const step = async (limit: number): Promise<number> => {
    broker.open();
    const session = broker.session();
    await report();
    if (!session || clock.now() < restsUntil || !(await store.hasUnpublished(db))) return 0;
    const hasMore = await publishPage(session, limit);
    const pausedUntil = sender.pausedUntil();
    if (pausedUntil) restFor(pausedUntil.getTime() - clock.now().getTime());
    return hasMore ? limit : 0;
  };

  return {
    loop: {
      name: 'publish-messages',
      everyMs: lookAtLeastEveryMs,
      limit: pageSizeMax,
      wakeBy: ready,
      step,
    },
    readLag: () => store.readLag(db, countUpTo),
    close: () => {
      stopListening();
      close();
      return broker.close();
    },
  };
};
