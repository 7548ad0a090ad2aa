import type { Tracing } from '@taskyard/tracing';
import { type Clock, type Logger, later, seconds } from '../../base/index.ts';
import type { StoredMessage } from '../store.ts';
import type { Delivery, Session } from './broker.ts';
import { traceSent } from './spans.ts';

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
// The waits between them double: 0.5, 1, 2, 4 seconds. A broker whose queue moves to another node needs a moment.
const triesMax = 5;
const firstPauseMs = 500;

/** The name of an exchange with the configured prefix. */
export const exchangeUnder = (prefix: string, exchange: string): string =>
  exchange.startsWith(canonicalPrefix) ? prefix + exchange.slice(canonicalPrefix.length) : exchange;

const fitsOnWire = ({ routingKey, exchange }: StoredMessage): boolean =>
  Buffer.byteLength(routingKey) <= routingKeyBytesMax && Buffer.byteLength(exchange) <= routingKeyBytesMax;

/** Sends pages of messages for one relay, and decides what to do about those that the broker does not accept. */
export class Sender {
  readonly #deps: SenderContext;
  /** The last refused message, and how often it was refused. */
  #refused = { id: 0, tries: 0 };
  /** This many messages are sent one by one, since one of them made the broker close the connection. */
  #suspects = 0;
  #pausedUntil: Date | undefined;

  constructor(deps: SenderContext) {
    this.#deps = deps;
  }

  /** The number of messages that may be sent together now. */
  pageSize(limit: number): number {
    return this.#suspects > 0 ? 1 : limit;
  }

  /** Nothing is sent before this time. A refused message is tried again then. */
  pausedUntil(): Date | undefined {
    return this.#pausedUntil;
  }

  async sendPage(session: Session, messages: readonly StoredMessage[]): Promise<Sent> {
    this.#pausedUntil = undefined;
    const { clock, tracing } = this.#deps;
    const since = clock.now();
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
    if (tracing) {
      const sent = messages.filter((_, i) => i < done && deliveries[i] === 'confirmed');
      traceSent(tracing, sent, { since, now: clock.now() });
    }
    this.#suspects = Math.max(0, this.#suspects - done);
    if (done < messages.length) this.#stopAt(session, messages.length - done, deliveries[done]);
    return { done, skipped };
  }

  /** Sends a whole page; returns the outcome of each message, undefined for those that were not confirmed in time. */
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

  /** Counts one more attempt. Returns whether it was the last. */
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

  /** Decides how to continue with the rest of a page that ended before its last message. */
  #stopAt(session: Session, left: number, outcome: Outcome): void {
    if (session.isFaultOfMessage()) this.#suspects = Math.max(this.#suspects, left);
    // A blocked broker will still process what it has not read yet, so sending it again would double it.
    else if (outcome === undefined && !session.isBlocked()) session.abandon('Messages were not confirmed');
  }
}
