import type { Tracing } from '@taskyard/tracing';
import { type Clock, type Logger, minutes, seconds } from '../../base/index.ts';
import type { StoredMessage } from '../store.ts';
import type { Delivery, Session } from './broker.ts';
import { beginSending, type Sending } from './spans.ts';

/** How far a page of messages got. */
export interface Sent {
  /** The number of finished messages, from the first one on. */
  readonly done: number;
  /** The number of these that were skipped. */
  readonly skipped: number;
}

/** The outcome of a message; undefined while it is unknown. */
type Outcome = Delivery | 'impossible' | undefined;

export interface SenderContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Present where traces are exported. */
  readonly tracing?: Tracing | undefined;
  /** Replaces the prefix of all names of exchanges. */
  readonly exchangePrefix: string;
  /** Aborts when the process is about to end. From then on the patience is shorter. */
  readonly closing: AbortSignal;
}

const canonicalPrefix = 'exchange/taskcluster-';
const routingKeyBytesMax = 255;
const confirmWithinMs = seconds(20);
const confirmWhileClosingMs = seconds(5);
/** The waits between tries double from the first to the longest. */
const pauseMs = { first: 500, max: seconds(5) };
/** Of a message that ends the connection, or that the library cannot write: its content is at fault. Within eight seconds. */
const faultyTriesMax = 5;
/**
 * Of a message that a queue does not take: nothing is wrong with it. Within a minute, in which a queue that has lost its
 * node gets another leader, and a full one some room.
 */
const refusedTriesMax = 15;
/**
 * After such a message was given up, further ones get fewer tries for this long, unless one of them is taken: a queue that
 * stays full must not hold up the others for a minute with each message.
 */
const impatientMs = minutes(10);
const noRefusal = { id: 0, tries: 0 };

/** The name of an exchange with the configured prefix. */
export const exchangeUnder = (prefix: string, exchange: string): string =>
  exchange.startsWith(canonicalPrefix) ? prefix + exchange.slice(canonicalPrefix.length) : exchange;

const fitsOnWire = ({ routingKey, exchange }: StoredMessage): boolean =>
  Buffer.byteLength(routingKey) <= routingKeyBytesMax && Buffer.byteLength(exchange) <= routingKeyBytesMax;

/** Sends pages of messages for one relay, and decides what to do about those that the broker does not accept. */
export class Sender {
  readonly #deps: SenderContext;
  /** The last refused message, and how often it was refused. */
  #refused = noRefusal;
  #impatientUntil = Number.NEGATIVE_INFINITY;
  /** This many messages are sent one by one, since one of them made the broker close the connection. */
  #suspects = 0;
  #pauseMs = 0;

  constructor(deps: SenderContext) {
    this.#deps = deps;
  }

  /** The number of messages that may be sent together now. */
  pageSize(limit: number): number {
    // A refused message is tried alone: those behind it were taken, and would come again with each try.
    return this.#suspects > 0 || this.#refused.tries > 0 ? 1 : limit;
  }

  /** Nothing is to be sent for so many milliseconds after the last page: then its refused message is tried again. */
  pauseMs(): number {
    return this.#pauseMs;
  }

  async sendPage(session: Session, messages: readonly StoredMessage[]): Promise<Sent> {
    this.#pauseMs = 0;
    const { clock, tracing } = this.#deps;
    const sending = tracing && beginSending(tracing, messages, clock.now());
    const deliveries = await this.#deliver(session, messages, sending);
    let done = 0;
    let skipped = 0;
    for (const message of messages) {
      const delivery = deliveries[done];
      if (delivery === 'confirmed') this.#accepted(message);
      else if (delivery === 'impossible') {
        this.#skip(message, 'its routing key or exchange is too long for AMQP');
        skipped++;
      } else {
        const isFaulty = delivery === 'unsendable' || (session.isFaultOfMessage() && messages.length === 1);
        if (!isFaulty && delivery !== 'refused') break;
        if (!this.#isGivenUp(message, isFaulty)) break;
        skipped++;
      }
      done++;
    }
    sending?.end((i) => i < done && deliveries[i] === 'confirmed', clock.now());
    this.#suspects = Math.max(0, this.#suspects - done);
    if (done < messages.length) this.#stopAt(session, messages.length - done, deliveries[done]);
    return { done, skipped };
  }

  /** Sends a whole page; returns the outcome of each message, undefined for those that were not confirmed in time. */
  async #deliver(
    session: Session,
    messages: readonly StoredMessage[],
    sending: Sending | undefined,
  ): Promise<Outcome[]> {
    const outcomes: Outcome[] = messages.map(() => undefined);
    const answers = messages.map(async (message, i) => {
      const exchange = exchangeUnder(this.#deps.exchangePrefix, message.exchange);
      outcomes[i] = fitsOnWire({ ...message, exchange })
        ? await session.send({
            ...message,
            exchange,
            messageId: String(message.id),
            headers: sending?.headersOf(i) ?? {},
          })
        : 'impossible';
    });
    const done = new AbortController();
    await Promise.race([Promise.all(answers), this.#patience(done.signal)]);
    done.abort();
    return outcomes;
  }

  /** Resolves when the time for confirmations is over, which is shorter once the process is about to end. */
  async #patience(done: AbortSignal): Promise<void> {
    const { clock, closing } = this.#deps;
    const hurry = new AbortController();
    const hurryUp = () => hurry.abort();
    if (closing.aborted) hurryUp();
    closing.addEventListener('abort', hurryUp);
    done.addEventListener('abort', hurryUp, { once: true });
    await clock.sleep(confirmWithinMs, hurry.signal);
    closing.removeEventListener('abort', hurryUp);
    if (closing.aborted) await clock.sleep(confirmWhileClosingMs, done);
  }

  /** The broker has a message. When it had refused this one, it recovers. */
  #accepted({ id }: StoredMessage): void {
    if (this.#refused.id === id) this.#impatientUntil = Number.NEGATIVE_INFINITY;
    this.#refused = noRefusal;
  }

  /** Counts one more attempt. Gives the message up when it was the last, and returns whether it was. */
  #isGivenUp(message: StoredMessage, isFaulty: boolean): boolean {
    const { id } = message;
    const tries = this.#refused.id === id ? this.#refused.tries + 1 : 1;
    const now = this.#deps.clock.elapsed();
    const triesMax = isFaulty || now < this.#impatientUntil ? faultyTriesMax : refusedTriesMax;
    if (tries < triesMax) {
      this.#refused = { id, tries };
      this.#pauseMs = Math.min(pauseMs.max, pauseMs.first * 2 ** (tries - 1));
      return false;
    }
    this.#refused = noRefusal;
    if (!isFaulty) this.#impatientUntil = now + impatientMs;
    this.#skip(message, `the broker refused it ${tries} times`);
    return true;
  }

  #skip({ id, exchange, routingKey }: StoredMessage, why: string): void {
    this.#deps.log.error(
      { messageId: id, exchange, routingKey: routingKey.slice(0, routingKeyBytesMax), why },
      'a message was given up, so that those behind it are published',
    );
  }

  /** Decides how to continue with the rest of a page that ended before its last message. */
  #stopAt(session: Session, left: number, outcome: Outcome): void {
    if (session.isFaultOfMessage()) this.#suspects = Math.max(this.#suspects, left);
    // A blocked broker will still process what it has not read yet, so sending it again would double it.
    else if (outcome === undefined && !session.isBlocked()) session.abandon('Messages were not confirmed');
  }
}
