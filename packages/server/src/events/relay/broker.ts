import type { Socket } from 'node:net';
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { BrokerNodes, type Clock, type Logger, type Signal, seconds } from '../../base/index.ts';

/**
 * The outcome of a message. `refused`: a queue did not take it, since it has no leader, is full or has failed. `unsendable`:
 * the library cannot write it. `lost`: the connection ended before the outcome was known.
 */
export type Delivery = 'confirmed' | 'refused' | 'unsendable' | 'lost';

/** A message as it is sent to the broker. */
export interface Outgoing {
  readonly exchange: string;
  readonly routingKey: string;
  readonly messageId: string;
  readonly routes: readonly string[];
  /** Headers beside those that carry the routes. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly payload: string;
}

/** A connection to the broker on which all exchanges are declared. */
export interface Session {
  /** Never rejects. Messages arrive in the order of the calls. */
  send(message: Outgoing): Promise<Delivery>;
  /** The broker accepts nothing for now, since it is short of memory or disk. */
  isBlocked(): boolean;
  /** The broker closed the connection because of the content of a message. */
  isFaultOfMessage(): boolean;
  /** Ends it without a closing handshake. */
  abandon(reason: string): void;
}

/** The broker; a lost connection is opened again. */
export interface Broker {
  /** Begins to connect. Repeated calls change nothing. */
  open(): void;
  /** The connection over which messages can be sent now, if there is one. */
  session(): Session | undefined;
  close(): Promise<void>;
}

export interface BrokerContext {
  /** Names one node of the broker, or several. Contains a password and is never logged. */
  readonly url: string;
  /** Full names of all exchanges that are declared. */
  readonly exchanges: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Woken when messages can be sent (again). */
  readonly ready: Signal;
}

const prepareWithinMs = seconds(10);
const closeWithinMs = seconds(2);
const reconnectAfterMs = { first: 200, max: seconds(5) };
const complainEveryMs = seconds(30);
// Too large, malformed, to an unknown exchange, or something that the broker fails on. All other codes are about
// permissions, operators, or the broker itself.
const faultsOfMessages: readonly unknown[] = [311, 404, 406, 501, 502, 541];

/** The socket of a connection; the library's types leave it out. */
const socketOf = (connection: ChannelModel): Socket =>
  (connection.connection as unknown as { stream: Socket }).stream;

interface OpenSession extends Session {
  /** Resolves with the reason. */
  readonly ended: Promise<Error>;
  end(clock: Clock): Promise<void>;
}

/** Watches a connection from its beginning; resolves when it has ended. */
const endOf = (connection: ChannelModel) => {
  let reason: Error | undefined;
  let isOver = false;
  let resolve = (_reason: Error): void => {};
  const ended = new Promise<Error>((resolveEnded) => {
    resolve = resolveEnded;
  });
  const because = (error: Error) => {
    reason ??= error;
  };
  const over = (error?: Error) => {
    isOver = true;
    resolve(reason ?? error ?? new Error('The connection was closed'));
  };
  connection.on('error', because);
  connection.on('close', over);
  return { ended, because, over, isOver: () => isOver, code: () => (reason as { code?: unknown })?.code };
};

const propertiesOf = ({ messageId, routes, headers }: Outgoing) => ({
  persistent: true,
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  messageId,
  headers,
  ...(routes.length > 0 ? { CC: routes.map((route) => `route.${route}`) } : {}),
});

type End = ReturnType<typeof endOf>;

const sessionOn = (
  { connection, channel, end }: { connection: ChannelModel; channel: ConfirmChannel; end: End },
  isBlocked: () => boolean,
): OpenSession => {
  // When the connection ends, the library does not call back for waiting messages.
  const waiting = new Set<(delivery: Delivery) => void>();
  void end.ended.then(() => {
    for (const settle of waiting) settle('lost');
  });
  const send = (message: Outgoing): Promise<Delivery> =>
    new Promise((resolve) => {
      const settle = (delivery: Delivery) => {
        waiting.delete(settle);
        resolve(delivery);
      };
      if (end.isOver()) return resolve('lost');
      waiting.add(settle);
      const { exchange, routingKey, payload } = message;
      try {
        channel.publish(exchange, routingKey, Buffer.from(payload), propertiesOf(message), (error: unknown) =>
          settle(error ? 'refused' : 'confirmed'),
        );
      } catch {
        // Either the channel has ended, or the library cannot encode this message: then the message is at fault.
        settle(end.isOver() ? 'lost' : 'unsendable');
      }
    });
  const abandon = (reason: string) => {
    end.over(new Error(reason));
    socketOf(connection).destroy();
  };
  return {
    send,
    isBlocked,
    isFaultOfMessage: () => faultsOfMessages.includes(end.code()),
    abandon,
    ended: end.ended,
    end: async (clock) => {
      const closed = new AbortController();
      const farewell = connection
        .close()
        .catch(() => {})
        .finally(() => closed.abort());
      // A broker that is blocked or gone does not reply.
      await Promise.race([farewell, clock.sleep(closeWithinMs, closed.signal)]);
      abandon('We are done');
    },
  };
};

const openSession = async (
  nodes: BrokerNodes,
  { exchanges, clock, ready }: BrokerContext,
): Promise<OpenSession> => {
  const connection = await nodes.connect('taskyard');
  const end = endOf(connection);
  let blocked = false;
  connection.on('blocked', () => {
    blocked = true;
  });
  connection.on('unblocked', () => {
    blocked = false;
    ready.wake();
  });
  const prepare = async (): Promise<ConfirmChannel> => {
    const channel = await connection.createConfirmChannel();
    channel.on('error', end.because);
    channel.on('close', () => {
      end.over();
      void connection.close().catch(() => {});
    });
    for (const exchange of exchanges) await channel.assertExchange(exchange, 'topic', { durable: true });
    return channel;
  };
  const done = new AbortController();
  const tooLate = clock.sleep(prepareWithinMs, done.signal).then(() => {
    throw new Error('The broker did not answer in time');
  });
  try {
    const failed = end.ended.then((error) => {
      throw error;
    });
    const channel = await Promise.race([prepare(), failed, tooLate]);
    return sessionOn({ connection, channel, end }, () => blocked);
  } catch (error) {
    end.over();
    socketOf(connection).destroy();
    throw error;
  } finally {
    tooLate.catch(() => {});
    done.abort();
  }
};

/** Logs problems with the broker, at most every half minute. */
const complaints = ({ clock, log }: BrokerContext) => {
  let silentUntil = Number.NEGATIVE_INFINITY;
  let isTold = false;
  return {
    complain: (err: Error) => {
      const now = clock.elapsed();
      if (now < silentUntil) return;
      silentUntil = now + complainEveryMs;
      isTold = true;
      log.warn({ err }, 'RabbitMQ cannot be reached; messages wait in the database');
    },
    praise: () => {
      if (isTold) log.info('RabbitMQ is reached again');
      isTold = false;
    },
  };
};

/** Connects to a broker in the background, with any number of attempts, until it is closed. */
export const createBroker = (deps: BrokerContext): Broker => {
  const { clock, ready } = deps;
  const { complain, praise } = complaints(deps);
  const closing = new AbortController();
  const nodes = new BrokerNodes(deps.url);
  let current: OpenSession | undefined;
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    let waitMs = reconnectAfterMs.first;
    while (!closing.signal.aborted) {
      try {
        current = await openSession(nodes, deps);
        if (closing.signal.aborted) break;
        praise();
        waitMs = reconnectAfterMs.first;
        ready.wake();
        const reason = await current.ended;
        current = undefined;
        if (!closing.signal.aborted) complain(reason);
      } catch (error) {
        complain(error as Error);
      }
      await clock.sleep(waitMs, closing.signal);
      waitMs = Math.min(2 * waitMs, reconnectAfterMs.max);
    }
    await current?.end(clock);
  };

  return {
    open: () => {
      running ??= run();
    },
    session: () => (current?.isBlocked() ? undefined : current),
    close: async () => {
      closing.abort();
      await current?.end(clock);
      await running;
    },
  };
};
