import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { Queue } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import { connect } from 'amqplib';
import { consumeFrom } from './chaos/deliveries.ts';
import { askDoctorOfBroker } from './support/ask-doctor.ts';
import { endings } from './support/endings.ts';
import { freePort } from './support/free-port.ts';
import {
  assertAllArrived,
  bindToAll,
  committedMessages,
  connectTo,
  consume,
  firstArrivals,
  startSteadyLoad,
  untilArrived,
  untilPublished,
} from './support/messages.ts';
import { scrapeAt, total } from './support/metrics.ts';
import { aHome, type Platform } from './support/platform.ts';
import { aPostgres, ask, type Postgres } from './support/postgres.ts';
import { aRabbitMq, noRabbitMq, type RabbitMq } from './support/rabbitmq.ts';

const prefix = 'exchange/pulse-test-';
const encryptionKeys = `test:${randomBytes(32).toString('base64')}`;

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

describe('messages on RabbitMQ', { skip: noRabbitMq }, () => {
  const { ending: all, runAll } = endings();
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
  const askDoctor = (amqpUrl: string) => askDoctorOfBroker(all, amqpUrl);

  before(async () => {
    [postgres, broker] = await Promise.all([aPostgres(all), aRabbitMq(all)]);
    await broker.start();
    const connection = await connect(broker.url);
    await bindToAll(connection, 'everything', { prefix });
    await connection.close();
  });
  after(runAll);

  it('all arrive in order, whatever is killed', async (t) => {
    await broker.kill();
    api = await start({ ROLE: 'api' });
    const doomed = await startRelay();
    const load = startSteadyLoad(t, api);
    await load.during(broker.start);
    await load.during(broker.kill);
    await load.during(broker.start);
    const port = await freePort();
    metricsUrl = `http://127.0.0.1:${port}/metrics`;
    await startRelay({ METRICS_PORT: String(port) });
    await load.during(doomed.kill);
    await load.during(postgres.killAndRestart);

    const committed = await committedMessages(postgres.url);
    const arrived = await consume(await connectTo(t, broker), 'everything');
    await untilArrived(arrived, committed.length);
    await untilPublished(postgres.url);

    t.diagnostic(`${committed.length} committed, ${arrived.length} arrived`);
    assertAllArrived(committed, arrived, { prefix });
    for (const { properties } of arrived) {
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
    const connection = await connectTo(t, broker);
    await bindToAll(connection, 'memory', { prefix });
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
    const connection = await connectTo(t, broker);
    await bindToAll(connection, 'poison', { prefix });
    const arrived = await consume(connection, 'poison');
    await commit(postgres.url, { routingKey: 'k'.repeat(256) });
    await commit(postgres.url, { payload: JSON.stringify({ text: 'x'.repeat(100_000) }) });
    const good = await commit(postgres.url, {});
    await eventually('the message behind them', () => arrived.some(({ id }) => id === good));
    assert.equal(arrived.length, 1);
    await untilPublished(postgres.url);
    const [row] = await ask<{ skipped: number }>(postgres.url, 'select skipped::int from relay');
    assert.equal(row?.skipped, 2);
  });

  it('are sent again when a queue refused them, and those behind them too', async (t) => {
    const connection = await connectTo(t, broker);
    await bindToAll(connection, 'full', {
      prefix,
      maxLength: 1,
      arguments: { 'x-overflow': 'reject-publish' },
    });
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

  it('are sent again until a queue has a leader, although that takes some time', async (t) => {
    const connection = await connectTo(t, broker);
    await bindToAll(connection, 'led', { prefix, arguments: { 'x-queue-type': 'quorum' } });
    await bindToAll(connection, 'witness', { prefix });
    const tries = await consume(connection, 'witness');
    const leader = `quorum_queues, {'%2F_led', node()}`;
    await broker.control('eval', `ok = ra:stop_server(${leader}).`);
    const id = await commit(postgres.url, {});
    // As many as a message gets that is at fault. The next one follows after five seconds.
    await eventually('five tries', () => tries.filter((each) => each.id === id).length >= 5);
    const behind = await commit(postgres.url, {});
    await broker.control('eval', `ok = ra:restart_server(${leader}).`);
    const arrived = await consume(connection, 'led');
    await untilArrived(arrived, 2);
    assert.deepEqual(
      firstArrivals(arrived).map((each) => each.id),
      [id, behind],
    );
  });

  // Here because a broker takes longer to start than the test does.
  it('are counted once each by the listener of the chaos tests, which comes back when its connection broke', async (t) => {
    const listener = await consumeFrom(broker.url);
    t.after(() => listener.end());
    /** Sends messages about a run, each with its id and what happened, and waits until the broker has them. */
    const send = async (...messages: readonly (readonly [string, string])[]): Promise<void> => {
      const channel = await (await connectTo(t, broker)).createConfirmChannel();
      const payload = Buffer.from(JSON.stringify({ status: { taskId: 'one' }, runId: 0 }));
      for (const [messageId, name] of messages)
        channel.publish(`exchange/taskcluster-queue/v1/task-${name}`, 'key', payload, { messageId });
      await channel.waitForConfirms();
    };
    await send(['1', 'pending'], ['1', 'pending']);
    await eventually('the first message', () => listener.count === 1);
    await broker.control('close_all_connections', 'a test');
    await send(['1', 'pending'], ['2', 'running'], ['3', 'completed'], ['2', 'running']);
    await eventually('the others', () => listener.count === 3);
    assert.deepEqual(listener.steps.get('one'), ['pending 0', 'running 0', 'completed 0']);
    await listener.end();
    assert.deepEqual(listener.problems, []);
  });
});
