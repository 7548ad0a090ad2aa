import { followEvents } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import type { Address } from '../support/load.ts';
import { addStep, type Steps, type TaskPayload, taskBindings } from '../support/task-steps.ts';

/** What one listener was told, in the order of the first arrivals. It grows until the listener ends. */
export interface Delivered {
  readonly name: string;
  readonly steps: Steps;
  /** How many messages there were, without those that came again where that is allowed. */
  count: number;
  /** What went wrong with the listener. */
  readonly problems: string[];
  end(): Promise<void>;
}

/** Reads the event stream at one address. It may neither leave a gap nor repeat a message. Resolves once it is open. */
export const followStream = async ({ rootUrl, credentials }: Address): Promise<Delivered> => {
  const over = new AbortController();
  let opened = (): void => {};
  const isOpen = new Promise<void>((resolve) => {
    opened = resolve;
  });
  const problems: string[] = [];
  let connections = 0;
  const stream = followEvents<TaskPayload>({
    ...{ rootUrl, credentials, bindings: taskBindings, signal: over.signal },
    onConnect: ({ isGapless }) => {
      opened();
      if (connections++ > 0 && !isGapless) problems.push('its place was forgotten');
    },
  });
  const delivered = { name: `the event stream of ${rootUrl}`, steps: new Map(), count: 0, problems };
  const read = async (): Promise<void> => {
    for await (const message of stream) {
      addStep(delivered.steps, message);
      delivered.count++;
    }
  };
  const reading = read().catch((error: Error) => void problems.push(error.message));
  await isOpen;
  return Object.assign(delivered, {
    end: async () => {
      over.abort();
      await reading;
    },
  });
};

const queue = 'chaos';

/** Declares a durable queue that gets everything about tasks; to be called before the platform runs, or tasks are made. */
const bindQueue = async (connection: ChannelModel): Promise<void> => {
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true });
  for (const { exchange } of taskBindings) {
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.bindQueue(queue, exchange, '#');
  }
  await channel.close();
};

/** A consumer of the broker that comes back after each end of its connection. Messages may come again; their order is that of their first arrivals. */
class Consumer implements Delivered {
  readonly name = 'RabbitMQ';
  readonly steps: Steps = new Map();
  readonly problems: string[] = [];
  count = 0;
  readonly #url: string;
  readonly #seen = new Set<string>();
  #connection: ChannelModel | undefined;
  #isOver = false;

  constructor(url: string) {
    this.#url = url;
  }

  async begin(): Promise<void> {
    const connection = await connect(this.#url);
    connection.on('error', () => {});
    const closed = new Promise<void>((resolve) => connection.once('close', () => resolve()));
    try {
      await this.#consume(connection);
    } catch (error) {
      // The next attempt opens another one.
      void connection.close().catch(() => {});
      throw error;
    }
    this.#connection = connection;
    void closed.then(() => (this.#isOver ? undefined : this.#beginAgain()));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#connection?.close().catch(() => {});
  }

  async #consume(connection: ChannelModel): Promise<void> {
    await bindQueue(connection);
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    await channel.prefetch(500);
    await channel.consume(queue, (message) => {
      if (!message) return;
      this.#take(message);
      channel.ack(message);
    });
  }

  async #beginAgain(): Promise<void> {
    this.#connection = undefined;
    const isBegun = () =>
      this.#isOver ||
      this.begin().then(
        () => true,
        () => false,
      );
    await eventually('RabbitMQ to accept its consumer', isBegun).catch((error: Error) =>
      this.problems.push(error.message),
    );
  }

  #take({ fields: { exchange }, properties: { messageId }, content }: ConsumeMessage): void {
    if (this.#seen.has(messageId)) return;
    this.#seen.add(messageId);
    addStep(this.steps, { exchange, payload: JSON.parse(content.toString()) as TaskPayload });
    this.count++;
  }
}

/** Takes everything about tasks from a broker that runs. */
export const consumeFrom = async (url: string): Promise<Delivered> => {
  const consumer = new Consumer(url);
  await consumer.begin();
  return consumer;
};
