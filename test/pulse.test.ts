import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Queue, slugid } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import { examine, readConfig, referenceDocuments } from '@taskyard/server';
import { type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import pg from 'pg';
import { freePort } from './support/free-port.ts';
import { scrapeAt, total } from './support/metrics.ts';
import { aHome, type Platform } from './support/platform.ts';
import { aPostgres, type Postgres } from './support/postgres.ts';
import { aRabbitMq, noRabbitMq, type RabbitMq } from './support/rabbitmq.ts';

const prefix = 'exchange/pulse-test-';
const canonical = 'exchange/taskcluster-';
const encryptionKeys = `test:${randomBytes(32).toString('base64')}`;
const under = (exchange: string): string => exchange.replace(canonical, prefix);

interface ExchangesDocument {
  readonly exchangePrefix: string;
  readonly entries: readonly { readonly exchange: string }[];
}

const exchanges = referenceDocuments()
  .filter(({ filename }) => filename.endsWith('/exchanges.json'))
  .map(({ content }) => content as unknown as ExchangesDocument)
  .flatMap(({ exchangePrefix, entries }) => entries.map(({ exchange }) => under(exchangePrefix) + exchange));

/** A message of the outbox, as it was committed. */
interface Committed {
  readonly id: number;
  readonly exchange: string;
  readonly routingKey: string;
  readonly routes: readonly string[];
  readonly payload: string;
}

/** A message of a queue, as it arrived. */
interface Arrived extends Committed {
  readonly properties: ConsumeMessage['properties'];
}

/** Runs statements on the platform's database, over a new connection each time: the server may have been killed. */
const ask = async <Row extends object>(url: string, text: string, values: unknown[] = []): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
};

const committedMessages = (url: string): Promise<Committed[]> =>
  ask(
    url,
    'select id::int, exchange, routing_key as "routingKey", routes, payload from outbox order by outbox.id',
  );

/** Adds a message as a service would. */
const commit = async (url: string, { routingKey = 'a.b', payload = '{}' }): Promise<number> => {
  const [row] = await ask<{ id: number }>(
    url,
    `insert into outbox (created_at, exchange, routing_key, routes, payload)
     values (now(), 'exchange/taskcluster-queue/v1/task-defined', $1, '{}', $2) returning id::int`,
    [routingKey, payload],
  );
  return row?.id ?? 0;
};

/** A durable queue for all messages, declared before the platform first connects to the broker. */
const bindToAll = async (connection: ChannelModel, queue: string, options: object = {}): Promise<void> => {
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true, ...options });
  for (const exchange of exchanges) {
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.bindQueue(queue, exchange, '#');
  }
  await channel.close();
};

/** Everything that is and will be in a queue. The list grows. */
const consume = async (connection: ChannelModel, queue: string): Promise<Arrived[]> => {
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

const withBroker = async (test: TestContext, { url }: RabbitMq): Promise<ChannelModel> => {
  const connection = await connect(url);
  connection.on('error', () => {});
  test.after(() => connection.close().catch(() => {}));
  return connection;
};

/** The first arrivals of each message, in their order. */
const firstArrivals = (arrived: readonly Arrived[]): Arrived[] => {
  const seen = new Set<number>();
  return arrived.filter(({ id }) => !seen.has(id) && seen.add(id));
};

const untilArrived = (arrived: readonly Arrived[], count: number) =>
  eventually(`${count} messages`, () => firstArrivals(arrived).length >= count);

const taskOf = ({ payload }: Committed): string =>
  (JSON.parse(payload) as { status?: { taskId: string } }).status?.taskId ?? '';

const tasksOfAStep = 60;

/** Tasks on their way from creation to completion, whatever becomes of the machinery below. */
const startLoad = (t: TestContext, { rootUrl, credentials }: Platform) => {
  const queue = new Queue({ rootUrl, credentials, retries: 30, retryDelayMs: 50 });
  const completed = new Set<string>();
  const taskGroupId = slugid();
  const over = new AbortController();
  t.after(() => over.abort());
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

describe('messages on RabbitMQ', { skip: noRabbitMq }, () => {
  const cleanUps: (() => Promise<void>)[] = [];
  const all = { after: (done: () => Promise<void>) => void cleanUps.unshift(done) };
  let postgres: Postgres;
  let broker: RabbitMq;
  let api: Platform;
  let metricsUrl: string;
  // Each process has a data folder of its own, as if on a machine of its own.
  const start = async (env: Record<string, string>) => {
    const home = await aHome(all);
    return home.start({
      ENCRYPTION_KEYS: encryptionKeys,
      DATABASE_URL: postgres.url,
      AMQP_URL: broker.url,
      EXCHANGE_PREFIX: prefix,
      TASK_CLAIM_TIMEOUT: '5',
      LOG_LEVEL: 'fatal',
      WORKER: 'false',
      ...env,
    });
  };
  const startRelay = (more = {}) => start({ ROLE: 'background', ROOT_URL: api.rootUrl, ...more });
  /** What the doctor says of a broker. */
  const askDoctor = async (amqpUrl: string): Promise<string[]> => {
    const overrides = { data: (await aHome(all)).path, port: 0, amqpUrl };
    const found = await examine(readConfig({ env: {}, overrides }));
    return found.flatMap(({ check, level, message }) => (check === 'broker' ? [`${level}: ${message}`] : []));
  };
  const untilPublished = () =>
    eventually('an outbox that is published', async () => {
      const [row] = await ask<{ found: boolean }>(
        postgres.url,
        'select exists (select from outbox, relay where not pg_visible_in_snapshot(xid, since)) as found',
      );
      return row?.found === false;
    });

  before(async () => {
    [postgres, broker] = await Promise.all([aPostgres(all), aRabbitMq(all)]);
    await broker.start();
    const connection = await connect(broker.url);
    await bindToAll(connection, 'everything');
    await connection.close();
  });
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  });

  it('all arrive in order, whatever is killed', async (t) => {
    await broker.kill();
    api = await start({ ROLE: 'api' });
    const doomed = await startRelay();
    const load = startLoad(t, api);
    await load.during(broker.start);
    await load.during(broker.kill);
    await load.during(broker.start);
    const port = await freePort();
    metricsUrl = `http://127.0.0.1:${port}/metrics`;
    await startRelay({ METRICS_PORT: String(port) });
    await load.during(doomed.kill);
    await load.during(postgres.killAndRestart);

    const committed = await committedMessages(postgres.url);
    const arrived = await consume(await withBroker(t, broker), 'everything');
    await untilArrived(arrived, committed.length);
    await untilPublished();

    const first = firstArrivals(arrived);
    t.diagnostic(`${committed.length} committed, ${arrived.length} arrived`);
    const plain = ({ id, exchange, routingKey, routes, payload }: Committed): Committed => {
      return { id, exchange: under(exchange), routingKey, routes, payload };
    };
    const expected = committed.map((message) => ({
      ...plain(message),
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
    for (const { properties } of first) {
      assert.equal(properties.deliveryMode, 2);
      assert.equal(properties.contentType, 'application/json');
    }
  });

  it('can be sent, says the doctor, unless the password is wrong', async () => {
    const [product, exchange] = await askDoctor(broker.url);
    assert.match(product ?? '', /^ok: RabbitMQ /);
    assert.equal(exchange, 'ok: Exchanges can be declared and written to');
    const wrong = new URL(broker.url);
    [wrong.username, wrong.password] = ['guest', 'guessed'];
    assert.match(
      (await askDoctor(wrong.href)).join(),
      /^error: The broker cannot be reached: .*ACCESS.REFUSED/,
    );
  });

  it('wait while the broker is short of memory', async (t) => {
    const connection = await withBroker(t, broker);
    await bindToAll(connection, 'memory');
    const arrived = await consume(connection, 'memory');
    const endAlarm = () => broker.control('set_vm_memory_high_watermark', '0.6');
    t.after(endAlarm);
    await broker.control('set_vm_memory_high_watermark', '0.00001');
    const isBlocked = once(connection, 'blocked');
    (await connection.createChannel()).publish('', 'nowhere', Buffer.from(''));
    await within('the broker to block who publishes', isBlocked);
    assert.match(
      (await askDoctor(broker.url)).join(),
      /^ok: RabbitMQ [\d.]+,warning: It accepts no messages: /,
    );
    const ids: number[] = [];
    for (let i = 0; i < 5; i++) ids.push(await commit(postgres.url, {}));
    const lag = async () => total(await scrapeAt(metricsUrl), 'taskyard_outbox_lag_seconds');
    // Longer than the relay's longest wait between two looks.
    await eventually('the messages to have waited for a look of the relay', lag, (seconds) => seconds > 2.5);
    assert.ok(arrived.length < ids.length, `${arrived.length} messages arrived`);
    const { rootUrl, credentials } = api;
    await new Queue({ rootUrl, credentials, retries: 0 }).ping();
    await endAlarm();
    await untilArrived(arrived, ids.length);
    assert.deepEqual(
      firstArrivals(arrived).map(({ id }) => id),
      ids,
    );
  });

  it('are held up by none that cannot be sent', async (t) => {
    const connection = await withBroker(t, broker);
    await bindToAll(connection, 'poison');
    const arrived = await consume(connection, 'poison');
    await commit(postgres.url, { routingKey: 'k'.repeat(256) });
    await commit(postgres.url, { payload: JSON.stringify({ text: 'x'.repeat(100_000) }) });
    const good = await commit(postgres.url, {});
    await eventually('the message behind them', () => arrived.some(({ id }) => id === good));
    assert.equal(arrived.length, 1);
    await untilPublished();
    const [row] = await ask<{ skipped: number }>(postgres.url, 'select skipped::int from relay');
    assert.equal(row?.skipped, 2);
  });

  it('are sent again when a queue refused them, and those behind them too', async (t) => {
    const connection = await withBroker(t, broker);
    await bindToAll(connection, 'full', { maxLength: 1, arguments: { 'x-overflow': 'reject-publish' } });
    const ids = [await commit(postgres.url, {}), await commit(postgres.url, {})];
    const channel = await connection.createChannel();
    await eventually('a full queue', async () => (await channel.checkQueue('full')).messageCount > 0);
    const arrived = await consume(connection, 'full');
    await untilArrived(arrived, ids.length);
    assert.deepEqual(
      firstArrivals(arrived).map(({ id }) => id),
      ids,
    );
    await channel.deleteQueue('full');
  });
});
