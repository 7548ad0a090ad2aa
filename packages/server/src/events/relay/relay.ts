import type { Tracing } from '@taskyard/tracing';
import {
  type Clock,
  type Database,
  type Logger,
  type Loop,
  type Signal,
  seconds,
  transact,
} from '../../base/index.ts';
import { type Alarm, createAlarm } from '../alarm.ts';
import { currentSnapshot, messagesBetween } from '../store.ts';
import { type Broker, createBroker, type Session } from './broker.ts';
import { exchangeUnder, Sender } from './sending.ts';
import * as store from './store.ts';

/** The operator's settings of the broker, and the exchanges of the platform. */
export interface RelaySettings {
  /** AMQP URL; it holds a password. */
  readonly url: string;
  /** Replaces `exchange/taskcluster-` at the beginning of all names of exchanges. */
  readonly exchangePrefix: string;
  /** All exchanges that messages may go to, by their canonical names. */
  readonly exchanges: readonly string[];
  /** Connections whose commits wake nothing, since the relay would wake itself and other relays without end. */
  readonly db: Database;
  readonly log: Logger;
}

export interface RelayContext {
  readonly clock: Clock;
  readonly tracing?: Tracing | undefined;
  /** Woken after commits that added messages. */
  readonly changed: Signal;
  readonly closing: AbortSignal;
}

// Hundreds of messages are confirmed together; more would only wait longer.
const pageSizeMax = 500;
// The longest delay of messages when a wake-up of another process is lost.
const lookAtLeastEveryMs = seconds(2);
// Messages of commits that follow each other closely are sent together.
const gatherMs = 5;
// While another relay works, this one stands by.
const standByMs = 500;
const reportEveryMs = seconds(30);
const worthReportingMs = seconds(10);
const countUpTo = 100_000;

/** Logs how far publishing lags behind, at most every half minute, and once when it has caught up. */
const createReporter = ({ db, log }: RelaySettings, clock: Clock) => {
  let nextAt = Number.NEGATIVE_INFINITY;
  let isBehind = false;
  return async (): Promise<void> => {
    if (clock.elapsed() < nextAt) return;
    nextAt = clock.elapsed() + reportEveryMs;
    const { messages, oldestAt, skipped } = await store.readLag(db, countUpTo);
    const lagMs = oldestAt ? clock.now().getTime() - oldestAt.getTime() : 0;
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
 * Publishes the outbox to RabbitMQ in the steps in which followers read it. Each page is sent and confirmed under the lock
 * on the cursor, which then moves past it. So one relay sends at a time, and a message that was sent before the cursor
 * could move is sent again, with all following ones, in the same order.
 */
export class Relay {
  readonly loop: Loop;
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #alarm: Alarm;
  readonly #broker: Broker;
  readonly #sender: Sender;
  readonly #report: () => Promise<void>;
  readonly #stopListening: () => void;
  #restsUntil = Number.NEGATIVE_INFINITY;

  constructor(settings: RelaySettings, { clock, tracing, changed, closing }: RelayContext) {
    const { db, log, url, exchangePrefix } = settings;
    const exchanges = settings.exchanges.map((exchange) => exchangeUnder(exchangePrefix, exchange));
    this.#db = db;
    this.#clock = clock;
    this.#log = log;
    this.#alarm = createAlarm(clock);
    this.#stopListening = changed.each(() => this.#alarm.wakeAfter(gatherMs, 'changed'));
    this.#broker = createBroker({ url, exchanges, clock, log, ready: this.#alarm.ready });
    this.#sender = new Sender({ clock, log, tracing, exchangePrefix, closing });
    this.#report = createReporter(settings, clock);
    this.loop = {
      name: 'publish-messages',
      everyMs: lookAtLeastEveryMs,
      limit: pageSizeMax,
      wakeBy: this.#alarm.ready,
      step: (limit) => this.#step(limit),
    };
  }

  /** How far publishing lags behind: messages are counted up to a limit. */
  readLag(): Promise<store.Lag> {
    return store.readLag(this.#db, countUpTo);
  }

  close(): Promise<void> {
    this.#stopListening();
    this.#alarm.close();
    return this.#broker.close();
  }

  async #step(limit: number): Promise<number> {
    this.#broker.open();
    const session = this.#broker.session();
    await this.#report();
    if (!session || this.#clock.elapsed() < this.#restsUntil || !(await store.hasUnpublished(this.#db)))
      return 0;
    const hasMore = await this.#publishPage(session, limit);
    const pauseMs = this.#sender.pauseMs();
    if (pauseMs > 0) this.#restFor(pauseMs);
    return hasMore ? limit : 0;
  }

  /** Returns whether there is more to do at once. */
  #publishPage(session: Session, limit: number): Promise<boolean> {
    return transact({ db: this.#db, clock: this.#clock, log: this.#log }, async (tx) => {
      const cursor = await store.lockCursor(tx);
      if (!cursor) {
        this.#restFor(standByMs);
        return false;
      }
      const { since, afterId } = cursor;
      const until = cursor.until === since ? await currentSnapshot(tx) : cursor.until;
      const size = this.#sender.pageSize(limit);
      const messages = await messagesBetween(tx, { since, until, afterId, limit: size });
      const { done, skipped } = await this.#sender.sendPage(session, messages);
      if (done === messages.length && done < size) {
        await store.moveCursor(tx, { since: until, until, afterId: 0 }, skipped);
        return false;
      }
      const lastId = messages[done - 1]?.id;
      if (lastId !== undefined) await store.moveCursor(tx, { since, until, afterId: lastId }, skipped);
      return done === messages.length;
    });
  }

  #restFor(ms: number): void {
    this.#restsUntil = this.#clock.elapsed() + ms;
    this.#alarm.wakeAfter(ms + 1, 'rested');
  }
}
