import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { eventually, within } from '@taskyard/patience';
import { askDoctorOfBroker } from './support/ask-doctor.ts';
import { aHook, type Clients, clientsOf, errorsOf, say, tasksOf } from './support/bound-hooks.ts';
import { endings } from './support/endings.ts';
import {
  assertAllArrived,
  bindToAll,
  committedMessages,
  connectTo,
  consume,
  isPublished,
  startSteadyLoad,
  untilArrived,
  untilPublished,
} from './support/messages.ts';
import { aHome, type Platform, root } from './support/platform.ts';
import { aPostgres, type Postgres } from './support/postgres.ts';
import { aRabbitMqCluster, noRabbitMq, type RabbitMq, type RabbitMqCluster } from './support/rabbitmq.ts';

const prefix = 'exchange/taskcluster-';
const foreign = 'exchange/somebody/v1/talk';
const quorum = { 'x-queue-type': 'quorum' };

/** The rights of the platform's user, as the page for operators grants them: to configure, to write, to read. */
const documentedRights = (): string[] => {
  const page = readFileSync(join(root, 'docs/operating/messages.md'), 'utf8');
  const [, words = ''] = /^rabbitmqctl set_permissions taskyard (.*)$/m.exec(page) ?? [];
  return [...words.matchAll(/'([^']*)'/g)].map(([, pattern = '']) => pattern);
};

describe('a RabbitMQ cluster', { skip: noRabbitMq }, () => {
  const { ending: all, runAll } = endings();
  let postgres: Postgres;
  let cluster: RabbitMqCluster;
  let amqpUrl: string;
  let platform: Platform;
  let clients: Clients;
  let hookId: string;
  let load: ReturnType<typeof startSteadyLoad>;
  /** The node that is lost or cut off now. */
  let away: RabbitMq | undefined;
  const said: string[] = [];

  before(async () => {
    [postgres, cluster] = await Promise.all([aPostgres(all), aRabbitMqCluster(all)]);
    const [one, two, three] = cluster.nodes;
    await one.control('add_user', 'taskyard', 'secret');
    await one.control('set_permissions', 'taskyard', ...documentedRights());
    const connection = await connectTo(all, three);
    await bindToAll(connection, 'everything', { prefix, arguments: quorum });
    await (await connection.createChannel()).assertExchange(foreign, 'topic', { durable: true });
    const hosts = [one, two, three].map(({ url }) => new URL(url).host);
    amqpUrl = `amqp://taskyard:secret@${hosts.join(',')}`;
    const home = await aHome(all);
    const env = { DATABASE_URL: postgres.url, AMQP_URL: amqpUrl, TASK_CLAIM_TIMEOUT: '5' };
    platform = await home.start({ ...env, WORKER: 'false', LOG_LEVEL: 'fatal' });
    load = startSteadyLoad(all, platform);
    clients = clientsOf(platform);
    hookId = await aHook(clients, foreign, 'talk.*');
    await listens();
  });
  after(runAll);

  /** Until the hook has a queue on the broker: what is said before that is for nobody. */
  const listens = () =>
    eventually('the hook to listen', async () => {
      const bindings = await cluster.nodes[2].control('list_bindings', 'source_name', '--no-table-headers');
      return bindings.includes(foreign) && (await errorsOf(clients, hookId)).length === 0;
    });

  const present = (): RabbitMq => cluster.nodes.find((node) => node !== away) as RabbitMq;

  /** The node that the platform publishes by. Each process begins with one of its choice. */
  const nodeOfRelay = (): Promise<RabbitMq> =>
    eventually('the platform to be connected', async () => {
      const columns = ['client_properties', 'pid', '--no-table-headers'];
      const connections = await present().control('list_connections', ...columns);
      const relay = connections
        .split('\n')
        .find((line) => /connection_name[^a-z]*taskyard[^a-z ]/.test(line));
      return cluster.nodes.find(({ nodeName }) => relay?.includes(nodeName));
    });

  /** Says a word by a node that is there, and waits until the hook has fired for all words so far. */
  const sayAndHear = async (t: TestContext, word: string): Promise<void> => {
    const connection = await connectTo(t, present());
    // The queue of the hook has no leader for a moment after its node was cut off: who publishes is refused, and repeats it.
    const isTaken = (): Promise<boolean> =>
      say(connection, foreign, [word]).then(
        () => true,
        () => false,
      );
    await eventually(`the broker to take the word "${word}"`, isTaken);
    said.push(`said ${word}`);
    await eventually(
      `the hook to fire for ${said.length} words`,
      async () => [...new Set(await tasksOf(clients, hookId))],
      (heard) => heard.length === said.length,
    );
  };

  it('loses a node, and the platform turns to another one', async (t) => {
    await sayAndHear(t, 'before');
    const lost = await nodeOfRelay();
    away = lost;
    await load.during(lost.kill);
    await sayAndHear(t, 'meanwhile');
    await untilPublished(postgres.url);
    const { host } = new URL(lost.url);
    const found = await askDoctorOfBroker(all, amqpUrl);
    assert.deepEqual(
      found.map((each) => each.replace(/: .*/, '')).toSorted(),
      ['ok', 'ok', 'ok', 'warning'],
      found.join('\n'),
    );
    const [warning = ''] = found.filter((each) => each.startsWith('warning'));
    assert.ok(warning.startsWith(`warning: ${host} cannot be reached: `), warning);
    await load.during(lost.start);
    away = undefined;
  });

  it('is short of memory on one node, and accepts nothing on any', async (t) => {
    const [one, two] = cluster.nodes;
    const watermark = (share: string) => one.control('set_vm_memory_high_watermark', share);
    t.after(() => watermark('0.6'));
    const connection = await connectTo(t, two);
    const isBlocked = once(connection, 'blocked');
    await watermark('0.00001');
    (await connection.createChannel()).publish('', 'nowhere', Buffer.from(''));
    await within('a node to block who publishes', isBlocked);
    await load.during(async () => {});
    assert.equal(await isPublished(postgres.url), false);
    await watermark('0.6');
    await untilPublished(postgres.url);
  });

  it('is parted, and the platform leaves the node that is alone', async (t) => {
    const parted = await nodeOfRelay();
    away = parted;
    await load.during(() => cluster.cut(parted));
    await sayAndHear(t, 'parted');
    await untilPublished(postgres.url);
    assert.notEqual(await nodeOfRelay(), parted);
    await load.during(() => cluster.rejoin(parted));
    away = undefined;
    await sayAndHear(t, 'together');
  });

  it('has all messages in the end, those of each task in order', async (t) => {
    await untilPublished(postgres.url);
    const committed = await committedMessages(postgres.url);
    const arrived = await consume(await connectTo(t, cluster.nodes[2]), 'everything');
    await untilArrived(arrived, committed.length);
    t.diagnostic(`${committed.length} committed, ${arrived.length} arrived`);
    assertAllArrived(committed, arrived, { prefix });
    assert.deepEqual([...new Set(await tasksOf(clients, hookId))], said.toSorted());
  });
});
