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
import { aRabbitMqCluster, noRabbitMq, type RabbitMqCluster } from './support/rabbitmq.ts';

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

  /** Says a word by the third node, which is there all the time, and waits until the hook has fired for all words so far. */
  const sayAndHear = async (t: TestContext, word: string): Promise<void> => {
    const connection = await connectTo(t, cluster.nodes[2]);
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
    const [one] = cluster.nodes;
    await sayAndHear(t, 'before');
    // The platform talks to the first that its URL names.
    await load.during(one.kill);
    await sayAndHear(t, 'meanwhile');
    await untilPublished(postgres.url);
    const { host } = new URL(one.url);
    const found = await askDoctorOfBroker(all, amqpUrl);
    assert.deepEqual(
      found.map((each) => each.replace(/: .*/, '')),
      ['warning', 'ok', 'ok', 'ok'],
      found.join('\n'),
    );
    assert.ok(found[0]?.startsWith(`warning: ${host} cannot be reached: `), found[0]);
    await load.during(one.start);
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
    const [, two, three] = cluster.nodes;
    const users = await three.control('list_connections', 'user', 'pid', '--no-table-headers');
    // The lost node was the first of the list, so its successor has the connections.
    assert.ok(
      users.split('\n').some((line) => /^taskyard\b/.test(line) && line.includes(two.nodeName)),
      users,
    );
    await load.during(() => cluster.cut(two));
    await sayAndHear(t, 'parted');
    await untilPublished(postgres.url);
    await load.during(() => cluster.rejoin(two));
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
