import { createHash } from 'node:crypto';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { BrokerNodes, type Clock, days, isUnavailable, type Logger, seconds } from '../base/index.ts';
import type { Binding } from '../events/index.ts';

/** A message of another program. */
export interface ForeignMessage {
  readonly exchange: string;
  /** Its routing key, and those of its `CC` header. */
  readonly routingKeys: readonly string[];
  readonly body: unknown;
}

export interface ForeignContext {
  /** Names one node of the broker, or several. Holds a password: never logged. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Keeps a message, in a transaction of its own; it is acknowledged once that is committed. */
  keep(message: ForeignMessage): Promise<void>;
  /** Writes why an exchange cannot be listened to; without a reason, that it can. */
  note(exchange: string, error?: string): Promise<void>;
}

/** An exchange that is listened to, on a channel of its own, because the broker closes a channel after each mistake. */
interface Listener {
  readonly channel: Channel;
  readonly patterns: Set<string>;
}

/** AMQP knows no longer names of exchanges, and no longer routing keys. */
export const amqpNameBytesMax = 255;
const isNameable = (text: string): boolean => Buffer.byteLength(text) <= amqpNameBytesMax;

const inHand = 50;
const retryMs = seconds(1);
const keepAttemptsMax = 5;
const closeWithinMs = seconds(2);
/**
 * A queue without a reader is bounded, and is deleted a week after the last process of ours has gone. A quorum queue is on
 * several nodes of a cluster; one of the older kind would be away with its node, and miss what is published meanwhile.
 */
export const foreignQueueOptions = {
  durable: true,
  arguments: {
    'x-queue-type': 'quorum',
    'x-single-active-consumer': true,
    'x-max-length': 10_000,
    'x-expires': days(7),
  },
};

/** What the names of all our queues on the broker begin with. */
export const foreignQueuePrefix = 'taskyard/hooks/';

const queueOf = (exchange: string): string =>
  `${foreignQueuePrefix}quorum/${createHash('sha256').update(exchange).digest('base64url').slice(0, 22)}`;

/**
 * Listens to exchanges of other programs on the broker. Each has a durable queue, shared by all processes, from which one
 * of them reads at a time: messages come at least once, in order, also those of the time when none of us ran. An exchange
 * that does not exist concerns nobody but the hooks that are bound to it; it is looked for again with each step.
 */
export class ForeignExchanges {
  readonly #deps: ForeignContext;
  readonly #listeners = new Map<string, Listener>();
  readonly #closing = new AbortController();
  readonly #nodes: BrokerNodes;
  #connection: ChannelModel | undefined;

  constructor(deps: ForeignContext) {
    this.#deps = deps;
    this.#nodes = new BrokerNodes(deps.url);
  }

  /** Listens to just these bindings from now on. Safe to repeat; returns how many exchanges could not be listened to. */
  async listen(bindings: readonly Binding[]): Promise<number> {
    const wanted = new Map<string, Set<string>>();
    for (const { exchange, routingKeyPattern } of bindings) {
      // It would keep others from being bound to the same exchange.
      if (!isNameable(exchange) || !isNameable(routingKeyPattern)) continue;
      wanted.set(exchange, (wanted.get(exchange) ?? new Set()).add(routingKeyPattern));
    }
    if (wanted.size === 0 && this.#listeners.size === 0) return 0;
    for (const exchange of this.#listeners.keys()) if (!wanted.has(exchange)) await this.#leave(exchange);
    let failed = 0;
    for (const [exchange, patterns] of wanted) {
      if (!(await this.#follow(exchange, patterns))) failed++;
    }
    return failed;
  }

  /** Ends all listening; what was not acknowledged comes again, to others. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#listeners.clear();
    const connection = this.#connection;
    if (!connection) return;
    // A broker that is gone does not answer.
    const farewell = connection.close().catch(() => {});
    const ended = new AbortController();
    await Promise.race([farewell, this.#deps.clock.sleep(closeWithinMs, ended.signal)]);
    ended.abort();
  }

  async #follow(exchange: string, patterns: ReadonlySet<string>): Promise<boolean> {
    try {
      const listener = this.#listeners.get(exchange) ?? (await this.#open(exchange));
      const queue = queueOf(exchange);
      for (const pattern of patterns) {
        if (!listener.patterns.has(pattern)) await listener.channel.bindQueue(queue, exchange, pattern);
        listener.patterns.add(pattern);
      }
      for (const pattern of [...listener.patterns].filter((each) => !patterns.has(each))) {
        await listener.channel.unbindQueue(queue, exchange, pattern);
        listener.patterns.delete(pattern);
      }
      await this.#deps.note(exchange);
      return true;
    } catch (error) {
      // The channel may be open still: the next step begins with another one.
      const listener = this.#listeners.get(exchange);
      this.#listeners.delete(exchange);
      if (listener) await closeQuietly(listener.channel);
      const reason = (error as Error).message;
      this.#deps.log.info({ exchange, reason }, 'an exchange that hooks are bound to cannot be listened to');
      await this.#deps.note(exchange, reason);
      return false;
    }
  }

  /** No hook is bound to it any more, so its queue is deleted with the messages in it. */
  async #leave(exchange: string): Promise<void> {
    const listener = this.#listeners.get(exchange);
    this.#listeners.delete(exchange);
    await listener?.channel
      .deleteQueue(queueOf(exchange))
      .then(() => listener.channel.close())
      .catch(() => {});
    await this.#deps.note(exchange);
  }

  async #open(exchange: string): Promise<Listener> {
    const channel = await (await this.#connect()).createChannel();
    const lost = (): void => {
      if (this.#listeners.get(exchange)?.channel === channel) this.#listeners.delete(exchange);
    };
    // What goes wrong on a channel rejects the call that it was for as well.
    channel.on('error', lost);
    channel.on('close', lost);
    await channel.checkExchange(exchange);
    await channel.assertQueue(queueOf(exchange), foreignQueueOptions);
    await channel.prefetch(inHand);
    const listener = { channel, patterns: new Set<string>() };
    this.#listeners.set(exchange, listener);
    // One after another: they are kept in their order.
    let last = Promise.resolve();
    await channel.consume(queueOf(exchange), (message) => {
      last = last.then(() => this.#take(exchange, channel, message));
    });
    return listener;
  }

  async #connect(): Promise<ChannelModel> {
    if (this.#connection) return this.#connection;
    const connection = await this.#nodes.connect('taskyard hooks');
    const lost = (): void => {
      if (this.#connection !== connection) return;
      this.#connection = undefined;
      this.#listeners.clear();
    };
    connection.on('error', lost);
    connection.on('close', lost);
    this.#connection = connection;
    return connection;
  }

  async #take(exchange: string, channel: Channel, message: ConsumeMessage | null): Promise<void> {
    // The broker has ended the consumer, because its queue was deleted.
    if (message === null) {
      this.#listeners.delete(exchange);
      return;
    }
    const body = bodyOf(message);
    if (body === undefined) this.#deps.log.info({ exchange }, 'a message that is no JSON was dropped');
    else if (!(await this.#keep(channel, { exchange, routingKeys: keysOf(message), body }))) return;
    settle(() => channel.ack(message));
  }

  /**
   * Keeps a message, with more attempts as long as the database is away: to return it would let those behind it pass, and
   * brokers drop what is returned too often. One that keeps failing is given up, for the sake of those behind it. Returns
   * false when the channel has ended meanwhile: the message comes again over another one.
   */
  async #keep(channel: Channel, message: ForeignMessage): Promise<boolean> {
    const { clock, log, keep } = this.#deps;
    const { exchange } = message;
    for (let attempts = 1; this.#listeners.get(exchange)?.channel === channel; ) {
      try {
        await keep(message);
        return true;
      } catch (err) {
        const isLast = attempts >= keepAttemptsMax;
        if (isLast)
          log.error({ err, exchange }, 'a message for hooks was given up, so that those behind it are kept');
        else log.warn({ err, exchange }, 'a message for hooks could not be kept, and is tried again');
        if (isLast) return true;
        if (!isUnavailable(err)) attempts++;
        await clock.sleep(retryMs, this.#closing.signal);
      }
    }
    return false;
  }
}

/** A channel that has ended throws, or rejects. */
const closeQuietly = async (channel: Channel): Promise<void> => {
  try {
    await channel.close();
  } catch {}
};

/** A channel that has ended meanwhile throws; its messages return to the queue anyway. */
const settle = (answer: () => void): void => {
  try {
    answer();
  } catch {}
};

const bodyOf = ({ content }: ConsumeMessage): unknown => {
  try {
    return JSON.parse(content.toString()) as unknown;
  } catch {
    return undefined;
  }
};

const keysOf = ({ fields, properties }: ConsumeMessage): string[] => {
  const more: unknown = properties.headers?.CC;
  return [fields.routingKey, ...(Array.isArray(more) ? more.map(String) : [])];
};
