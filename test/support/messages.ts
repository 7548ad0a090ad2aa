import assert from 'node:assert/strict';
import { Queue, slugid } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { referenceDocuments } from '@taskyard/server';
import { type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import type { Ending, Platform } from './platform.ts';
import { ask } from './postgres.ts';

// What a platform has committed as messages, what arrives of them on a broker, and load that makes some.

const canonicalPrefix = 'exchange/taskcluster-';

/** The name of an exchange where a platform has another prefix. */
const under = (prefix: string, exchange: string): string => exchange.replace(canonicalPrefix, prefix);

interface ExchangesDocument {
  readonly exchangePrefix: string;
  readonly entries: readonly { readonly exchange: string }[];
}

const canonicalExchanges = referenceDocuments()
  .filter(({ filename }) => filename.endsWith('/exchanges.json'))
  .map(({ content }) => content as unknown as ExchangesDocument)
  .flatMap(({ exchangePrefix, entries }) => entries.map(({ exchange }) => exchangePrefix + exchange));

/** A message of the outbox, as it was committed. */
export interface Committed {
  readonly id: number;
  readonly exchange: string;
  readonly routingKey: string;
  readonly routes: readonly string[];
  readonly payload: string;
}

/** A message of a queue, as it arrived. */
export interface Arrived extends Committed {
  readonly properties: ConsumeMessage['properties'];
}

export const committedMessages = (url: string): Promise<Committed[]> =>
  ask(
    url,
    'select id::int, exchange, routing_key as "routingKey", routes, payload from outbox order by outbox.id',
  );

/** Whether everything that was committed is published. */
export const isPublished = async (url: string): Promise<boolean> => {
  const [row] = await ask<{ found: boolean }>(
    url,
    'select exists (select from outbox, relay where not pg_visible_in_snapshot(xid, since)) as found',
  );
  return row?.found === false;
};

export const untilPublished = (url: string) =>
  eventually('an outbox that is published', () => isPublished(url));

/** A durable queue for all messages, which may be declared before the platform first connects to the broker. */
export const bindToAll = async (
  connection: ChannelModel,
  queue: string,
  { prefix, ...options }: { readonly prefix: string; readonly [option: string]: unknown },
): Promise<void> => {
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true, ...options });
  for (const canonical of canonicalExchanges) {
    const exchange = under(prefix, canonical);
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.bindQueue(queue, exchange, '#');
  }
  await channel.close();
};

/** Everything that is and will be in a queue. The list grows. */
export const consume = async (connection: ChannelModel, queue: string): Promise<Arrived[]> => {
  const arrived: Arrived[] = [];
  const channel = await connection.createChannel();
  const take = (message: ConsumeMessage | null): void => {
    if (!message) return;
    const { fields, properties, content } = message;
    const routes: string[] = properties.headers?.CC ?? [];
    arrived.push({
      id: Number(properties.messageId),
      exchange: fields.exchange,
      routingKey: fields.routingKey,
      routes,
      payload: content.toString(),
      properties,
    });
  };
  await channel.consume(queue, take, { noAck: true });
  return arrived;
};

/** A connection of the test's own; the broker may be gone when the test ends, and never answer. */
export const connectTo = async (test: Ending, { url }: { readonly url: string }): Promise<ChannelModel> => {
  const connection = await connect(url);
  connection.on('error', () => {});
  test.after(async () => void connection.close().catch(() => {}));
  return connection;
};

/** The first arrivals of each message, in their order. */
export const firstArrivals = (arrived: readonly Arrived[]): Arrived[] => {
  const seen = new Set<number>();
  return arrived.filter(({ id }) => !seen.has(id) && seen.add(id));
};

export const untilArrived = (arrived: readonly Arrived[], count: number) =>
  eventually(`${count} messages`, () => firstArrivals(arrived).length >= count);

const taskOf = ({ payload }: Committed): string =>
  (JSON.parse(payload) as { status?: { taskId: string } }).status?.taskId ?? '';

/** All that was committed has arrived as it was, and the first arrivals of a task's messages are in their order. */
export const assertAllArrived = (
  committed: readonly Committed[],
  arrived: readonly Arrived[],
  { prefix }: { readonly prefix: string },
): void => {
  const first = firstArrivals(arrived);
  const plain = ({ id, exchange, routingKey, routes, payload }: Committed): Committed => {
    return { id, exchange, routingKey, routes, payload };
  };
  const expected = committed.map((message) => ({
    ...plain(message),
    exchange: under(prefix, message.exchange),
    routes: message.routes.map((route) => `route.${route}`),
  }));
  assert.deepEqual(
    first.map(plain).sort((a, b) => a.id - b.id),
    expected,
  );
  const newest = new Map<string, number>();
  for (const message of first) {
    const task = taskOf(message);
    assert.ok((newest.get(task) ?? 0) < message.id, `the messages of ${task} are in order`);
    newest.set(task, message.id);
  }
};

const tasksOfAStep = 60;

/** Tasks on their way from creation to completion, whatever becomes of the machinery below. */
export const startSteadyLoad = (test: Ending, { rootUrl, credentials }: Platform) => {
  const queue = new Queue({ rootUrl, credentials, retries: 30, retryDelayMs: 50 });
  const completed = new Set<string>();
  const taskGroupId = slugid();
  const over = new AbortController();
  test.after(async () => over.abort());
  const create = async (): Promise<void> => {
    const taskId = slugid();
    const now = Date.now();
    await queue.createTask(taskId, {
      taskQueueId: 'pulse/load',
      taskGroupId,
      schedulerId: 'pulse',
      created: new Date(now).toISOString(),
      deadline: new Date(now + 3_600_000).toISOString(),
      routes: ['pulse.one', `pulse.${taskId}`],
      payload: {},
      metadata: { name: 'load', description: '', owner: 'a@example.com', source: 'https://example.com' },
    });
  };
  const work = async (workerId: string): Promise<void> => {
    while (!over.signal.aborted) {
      const claim = { tasks: 4, workerGroup: 'pulse', workerId };
      const { tasks } = await queue.claimWork('pulse/load', claim).catch(() => ({ tasks: [] }));
      for (const { status, runId } of tasks) {
        const isReported = await queue.reportCompleted(status.taskId, runId).then(
          () => true,
          () => false,
        );
        if (isReported) completed.add(status.taskId);
      }
    }
  };
  void Promise.all(['a', 'b'].map(work));
  const until = (count: number) => eventually(`${count} completed tasks`, () => completed.size >= count);
  return {
    /** Does something in the middle of some load, and waits until all of this load is done. */
    during: async (act: () => Promise<unknown>): Promise<void> => {
      const before = completed.size;
      const creating = (async () => {
        for (let i = 0; i < tasksOfAStep; i++) await create();
      })();
      await Promise.all([creating, until(before + tasksOfAStep / 4).then(act)]);
      await until(before + tasksOfAStep);
    },
  };
};
