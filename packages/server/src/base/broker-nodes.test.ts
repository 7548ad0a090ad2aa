import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '@taskyard/patience';
import { BrokerNodes, mistakeInBrokerUrl, readBrokerUrl } from './broker-nodes.ts';

/** A port on which connections are ended at once; returns it, and how many there were. */
const aClosedDoor = async (t: TestContext): Promise<{ port: number; count: () => number }> => {
  let count = 0;
  const server = createServer((socket) => {
    count++;
    socket.on('error', () => {}).destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return { port: (server.address() as AddressInfo).port, count: () => count };
};

describe('an AMQP URL', () => {
  it('names the nodes of a cluster, each with the user, the virtual host and the parameters', () => {
    assert.deepEqual(readBrokerUrl('amqp://u:p%40@one:5673,two,[::1]:7000/tasks?channelMax=9'), [
      { name: 'one:5673', url: 'amqp://u:p%40@one:5673/tasks?channelMax=9&heartbeat=20' },
      { name: 'two:5672', url: 'amqp://u:p%40@two:5672/tasks?channelMax=9&heartbeat=20' },
      { name: '[::1]:7000', url: 'amqp://u:p%40@[::1]:7000/tasks?channelMax=9&heartbeat=20' },
    ]);
    assert.deepEqual(readBrokerUrl('amqps://one?heartbeat=5'), [
      { name: 'one:5671', url: 'amqps://one:5671?heartbeat=5' },
    ]);
  });

  it('is refused without its password', () => {
    for (const url of ['amqp://u:hunter2@one,,two/x', 'amqp://u:hunter2@one:x/y', 'amqp://u:hunter2@:1/y']) {
      assert.equal(mistakeInBrokerUrl(url), 'has a host that is none', url);
    }
    assert.equal(mistakeInBrokerUrl(undefined), undefined);
  });
});

it('nodes are tried in turn, each once, and all are named when none accepts a connection', async (t) => {
  const doors = [await aClosedDoor(t), await aClosedDoor(t)] as const;
  const places = doors.map(({ port }) => `127.0.0.1:${port}`);
  const nodes = new BrokerNodes(`amqp://u:hunter2@${places.join(',')}`);
  const counts = () => doors.map(({ count }) => count());
  await assert.rejects(nodes.connect('test'), ({ message }: Error) => {
    for (const place of places) assert.ok(message.includes(`${place}: `), message);
    assert.doesNotMatch(message, /hunter2/);
    return true;
  });
  assert.deepEqual(counts(), [1, 1]);
  await assert.rejects(nodes.connect('test'));
  assert.deepEqual(counts(), [2, 2]);
});

it('processes begin with different nodes', async (t) => {
  const doors = [await aClosedDoor(t), await aClosedDoor(t), await aClosedDoor(t)] as const;
  const places = doors.map(({ port }) => `127.0.0.1:${port}`);
  const begins = async (first?: (nodes: number) => number): Promise<number> => {
    const nodes = new BrokerNodes(`amqp://u@${places.join(',')}`, first);
    const failed = await nodes.connect('test').catch((error: Error) => error.message);
    return places.findIndex((place) => String(failed).startsWith(place));
  };
  for (const first of [0, 1, 2]) assert.equal(await begins(() => first), first);
  const seen = new Set<number>();
  await eventually('each to be the first of somebody', async () => seen.add(await begins()).size === 3);
});
