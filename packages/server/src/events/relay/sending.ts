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

/** Sends pages of messages, and knows what to do about those that the broker does not take. */
export interface Sender {
  sendPage(session: Session, messages: readonly StoredMessage[]): Promise<Sent>;
  /** At most this many messages may go together now. */
  pageSize(limit: number): number;
  /** Until when the broker is left in peace: a message was refused, and is tried again after that. */
  pausedUntil(): Date | undefined;
}

export interface SenderDeps {
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

/** Makes a sender for one relay. */
export const createSender = ({ clock, log, exchangePrefix, closing }: SenderDeps): Sender => {
  /** The message that was refused last, and how often. */
  let refused = { id: 0, tries: 0 };
  /** So many messages go one by one, since one of them, nobody knows which, made the broker hang up. */
  let suspects = 0;
  let pausedUntil: Date | undefined;

  const patience = async (done: AbortSignal): Promise<void> => {
    const hurry = new AbortController();
    const hurryUp = () => hurry.abort();
    if (closing.aborted) hurryUp();
    closing.addEventListener('abort', hurryUp);
    done.addEventListener('abort', hurryUp, { once: true });
    await clock.sleep(confirmWithinMs, hurry.signal);
    closing.removeEventListener('abort', hurryUp);
    if (closing.aborted) await clock.sleep(confirmWhileClosingMs, done);
  };

  const deliver = async (session: Session, messages: readonly StoredMessage[]) => {
    const deliveries: (Delivery | 'impossible' | undefined)[] = messages.map(() => undefined);
    const answers = messages.map(async (message, i) => {
      const exchange = exchangeUnder(exchangePrefix, message.exchange);
      deliveries[i] = fitsOnWire({ ...message, exchange })
        ? await session.send({ ...message, exchange, messageId: String(message.id) })
        : 'impossible';
    });
    const done = new AbortController();
    await Promise.race([Promise.all(answers), patience(done.signal)]);
    done.abort();
    return deliveries;
  };

  /** One more try is over. Says whether it was the last. */
  const isGivenUp = ({ id }: StoredMessage): boolean => {
    refused = { id, tries: refused.id === id ? refused.tries + 1 : 1 };
    if (refused.tries >= triesMax) return true;
    pausedUntil = later(clock.now(), firstPauseMs * 2 ** (refused.tries - 1));
    return false;
  };

  const skip = ({ id, exchange, routingKey }: StoredMessage, why: string): void => {
    log.error(
      { messageId: id, exchange, routingKey: routingKey.slice(0, routingKeyBytesMax), why },
      'a message was given up, so that those behind it are published',
    );
  };

  const sendPage = async (session: Session, messages: readonly StoredMessage[]): Promise<Sent> => {
    pausedUntil = undefined;
    const deliveries = await deliver(session, messages);
    let done = 0;
    let skipped = 0;
    for (const message of messages) {
      const delivery = deliveries[done];
      if (delivery === 'impossible') {
        skip(message, 'its routing key or exchange is too long for AMQP');
        skipped++;
      } else if (delivery !== 'confirmed') {
        const isToBlame = delivery === 'refused' || (session.isFaultOfMessage() && messages.length === 1);
        if (!isToBlame || !isGivenUp(message)) break;
        skip(message, `the broker refused it ${triesMax} times`);
        skipped++;
      }
      done++;
    }
    suspects = Math.max(0, suspects - done);
    if (done < messages.length) stumble(session, messages.length - done, deliveries[done]);
    return { done, skipped };
  };

  const stumble = (session: Session, left: number, delivery: Delivery | 'impossible' | undefined): void => {
    if (session.isFaultOfMessage()) suspects = Math.max(suspects, left);
    // What a blocked broker has not read yet comes out in its own time: asking again would double it.
    else if (delivery === undefined && !session.isBlocked()) session.abandon('Messages were not confirmed');
  };

  return {
    sendPage,
    pageSize: (limit) => (suspects > 0 ? 1 : limit),
    pausedUntil: () => pausedUntil,
  };
};
