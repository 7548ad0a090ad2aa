import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Queue, slugid } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { connect } from 'amqplib';
import pg from 'pg';
import { aHook, type Clients, clientsOf, errorsOf, say, tasksOf } from './support/bound-hooks.ts';
import { aTask } from './support/line.ts';
import { aHome } from './support/platform.ts';
import { aPostgres } from './support/postgres.ts';
import { aRabbitMq, noRabbitMq } from './support/rabbitmq.ts';

const createTask = ({ queue }: Clients) =>
  queue.createTask(slugid(), aTask('example/restart') as Parameters<Queue['createTask']>[1]);

/** Changes what a hook is bound to in the database, while no platform runs on it. */
const bindInDatabase = async (
  url: string,
  hookId: string,
  { exchange, patterns }: { readonly exchange: string; readonly patterns: readonly string[] },
): Promise<void> => {
  const bindings = JSON.stringify(patterns.map((routingKeyPattern) => ({ exchange, routingKeyPattern })));
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rowCount } = await client.query('update hooks set bindings = $1 where hook_id = $2', [
    bindings,
    hookId,
  ]);
  await client.end();
  assert.equal(rowCount, 1);
};

const ours = (prefix: string) => `${prefix}queue/v1/task-defined`;

describe('binding-to-nothing', () => {
  it('a hook with a binding to a missing exchange does not affect others', {
    skip: noRabbitMq,
  }, async (t) => {
    const [broker, postgres] = await Promise.all([aRabbitMq(t), aPostgres(t)]);
    await broker.start();
    const home = await aHome(t);
    const env = { AMQP_URL: broker.url, DATABASE_URL: postgres.url, WORKER: 'false', LOG_LEVEL: 'silent' };
    const platform = await home.start(env);
    const clients = clientsOf(platform);
    const exchange = 'exchange/somebody/v1/talk';
    const lost = await aHook(clients, exchange, 'talk.*');
    const found = await aHook(clients, ours('exchange/taskcluster-'));
    await eventually(
      'the binding in vain to be shown',
      () => errorsOf(clients, lost),
      (errors) => /NOT.FOUND/.test(errors.join()),
    );
    await eventually('the other hook to fire', async () => {
      await createTask(clients);
      return (await clients.hooks.listLastFires('group', found).catch(() => undefined)) !== undefined;
    });

    const connection = await connect(broker.url);
    connection.on('error', () => {});
    // The broker may be gone by then, and never answer.
    t.after(() => void connection.close().catch(() => {}));
    const channel = await connection.createChannel();
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await eventually(
      'the binding to hold',
      () => errorsOf(clients, lost),
      (errors) => errors.length === 0,
    );
    const words = ['one', 'two', 'three'];
    await say(connection, exchange, [...words, 'and.no.more']);
    const names = words.map((word) => `said ${word}`);
    const heardSoFar = () => tasksOf(clients, lost);
    await eventually('a fire for each message', heardSoFar, (tasks) => tasks.length === 3);
    assert.deepEqual(await tasksOf(clients, lost), names.toSorted());

    // What is said while the platform is away waits for it.
    assert.equal(await platform.stop(), 0);
    await say(connection, exchange, ['meanwhile']);
    // A routing key that no broker takes, stored before such ones were refused, keeps no other from the exchange.
    await bindInDatabase(postgres.url, lost, { exchange, patterns: ['x'.repeat(256), 'talk.*', 'talk.#'] });
    const again = clientsOf(await home.start(env));
    await eventually(
      'the message of meanwhile',
      () => tasksOf(again, lost),
      (tasks) => tasks.includes('said meanwhile'),
    );
    assert.deepEqual(await tasksOf(again, lost), [...names, 'said meanwhile'].sort());
    await eventually('the new binding to hold', async () => {
      await say(connection, exchange, ['and.so.on']);
      return (await tasksOf(again, lost)).includes('said and.so.on');
    });

    // What arrives while the database is away waits for it.
    await postgres.kill();
    const whileAway = ['away.one', 'away.two', 'away.three'];
    await say(connection, exchange, whileAway);
    await postgres.restart();
    await eventually(
      'the messages from while the database was away',
      () => tasksOf(again, lost),
      (heard) => whileAway.every((word) => heard.includes(`said ${word}`)),
    );
  });

  it('without a broker the others fire, and it says that there is none', async (t) => {
    const home = await aHome(t);
    const clients = clientsOf(await home.start({ WORKER: 'false', LOG_LEVEL: 'silent' }));
    const lost = await aHook(clients, 'exchange/somebody/v1/talk');
    const found = await aHook(clients, ours('exchange/taskcluster-'));
    await eventually(
      'the binding in vain to be shown',
      () => errorsOf(clients, lost),
      (errors) => /No message broker/.test(errors.join()),
    );
    await eventually('the other hook to fire', async () => {
      await createTask(clients);
      return (await clients.hooks.listLastFires('group', found).catch(() => undefined)) !== undefined;
    });
  });
});
