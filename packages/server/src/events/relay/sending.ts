import { type Clock, type Logger, later, seconds } from '../../base/index.ts';
import type { StoredMessage } from '../store.ts';
import type { Delivery, Session } from './broker.ts';

/** How far a page of messages got. */
export interface Sent {
  /** So many from the first on are done with. */
  readonly done: number;
  /** So many of these were given up. */
  readonly skipped: number;
}

/** What became of a message; undefined as long as nobody knows. */
type Outcome = Delivery | 'impossible' | undefined;

export interface SenderContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Replaces the beginning of all names of exchanges. */
  readonly exchangePrefix: string;
  /** Aborts when the process ends: less patience from then on. */
  readonly closing: AbortSignal;
}

const canonicalPrefix = 'exchange/taskcluster-';
const routingKeyBytesMax = 255;
const confirmWithinMs = seconds(20);
const confirmWhileClosingMs = seconds(5);
// The waits between them double: 0.5, 1, 2, 4 seconds. A broker whose queue changes its place needs a moment.
const triesMax = 5;
const firstPauseMs = 500;

/** The name of an exchange under the prefix that the operator wants. */
export const exchangeUnder = (prefix: string, exchange: string): string =>
  exchange.startsWith(canonicalPrefix) ? prefix + exchange.slice(canonicalPrefix.length) : exchange;

const fitsOnWire = ({ routingKey, exchange }: StoredMessage): boolean =>
  Buffer.byteLength(routingKey) <= routingKeyBytesMax && Buffer.byteLength(exchange) <= routingKeyBytesMax;

/** Sends pages of messages for one relay, and knows what to do about those that the broker does not take. */
export class Sender {
  readonly #deps: SenderContext;
  /** The message that was refused last, and how often. */
  #refused = { id: 0, tries: 0 };
  /** So many messages go one by one, since one of them, nobody knows which, made the broker hang up. */
  #suspects = 0;
  #pausedUntil: Date | undefined;

  constructor(deps: SenderContext) {
    this.#deps = deps;
  }

  /** At most this many messages may go together now. */
  pageSize(limit: number): number {
    return this.#suspects > 0 ? 1 : limit;
  }

  /** Until when the broker is left in peace: a message was refused, and is tried again after that. */
  pausedUntil(): Date | undefined {
    return this.#pausedUntil;
  }

  async sendPage(session: Session, messages: readonly StoredMessage[]): Promise<Sent> {
    this.#pausedUntil = undefined;
    const deliveries = await this.#deliver(session, messages);
    let done = 0;
    let skipped = 0;
    for (const message of messages) {
      const delivery = deliveries[done];
      if (delivery === 'impossible') {
        this.#skip(message, 'its routing key or exchange is too long for AMQP');
        skipped++;
      } else if (delivery !== 'confirmed') {
        const isToBlame = delivery === 'refused' || (session.isFaultOfMessage() && messages.length === 1);
        if (!isToBlame || !this.#isGivenUp(message)) break;
        this.#skip(message, `the broker refused it ${triesMax} times`);
        skipped++;
      }
      done++;
    }
    this.#suspects = Math.max(0, this.#suspects - done);
    if (done < messages.length) this.#stopAt(session, messages.length - done, deliveries[done]);
    return { done, skipped };
  }

  /** Sends all of a page; returns what became of each, undefined for what was not confirmed in time. */
  async #deliver(session: Session, messages: readonly StoredMessage[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = messages.map(() => undefined);
    const answers = messages.map(async (message, i) => {
      const exchange = exchangeUnder(this.#deps.exchangePrefix, message.exchange);
      outcomes[i] = fitsOnWire({ ...message, exchange })
        ? await session.send({ ...message, exchange, messageId: String(message.id) })
        : 'impossible';
    });
    const done = new AbortController();
    await Promise.race([Promise.all(answers), this.#patience(done.signal)]);
    done.abort();
    return outcomes;
  }

  /** Resolves when confirmations have had their time, which is shorter once the process is to end. */
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

  /** One more try is over. Returns whether it was the last. */
  #isGivenUp({ id }: StoredMessage): boolean {
    this.#refused = { id, tries: this.#refused.id === id ? this.#refused.tries + 1 : 1 };
    const { tries } = this.#refused;
    if (tries >= triesMax) return true;
    this.#pausedUntil = later(this.#deps.clock.now(), firstPauseMs * 2 ** (tries - 1));
    return false;
  }

  #skip({ id, exchange, routingKey }: StoredMessage, why: string): void {
    this.#deps.log.error(
      { messageId: id, exchange, routingKey: routingKey.slice(0, routingKeyBytesMax), why },
      'a message was given up, so that those behind it are published',
    );
  }

  /** A page ends before its last message: decides how to go on with those that are left. */
  #stopAt(session: Session, left: number, outcome: Outcome): void {
    if (session.isFaultOfMessage()) this.#suspects = Math.max(this.#suspects, left);
    // What a blocked broker has not read yet comes out in its own time: asking again would double it.
    else if (outcome === undefined && !session.isBlocked()) session.abandon('Messages were not confirmed');
  }
}
