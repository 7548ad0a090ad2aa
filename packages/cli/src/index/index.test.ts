import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, it } from 'node:test';
import { main } from '../main.ts';
import { memoryIo } from '../testing/memory-io.ts';

const expires = '2030-01-01T00:00:00.000Z';
const entry = { namespace: 'app.latest', taskId: 'fN1SbArXTPSVFNUvaOlinQ', rank: 3, data: { v: 1 }, expires };

/** The replies of the index, by request. */
const answers: Readonly<Record<string, object>> = {
  '/task/app.latest': entry,
  '/namespaces/': { namespaces: [{ namespace: 'app', name: 'app', expires }] },
  '/tasks/': { tasks: [] },
  '/namespaces/app': { namespaces: [], continuationToken: 'more' },
  '/namespaces/app?continuationToken=more': { namespaces: [{ namespace: 'app.by', name: 'by', expires }] },
  '/tasks/app': { tasks: [entry] },
};

const server = createServer(({ url = '' }, reply) => {
  const found = answers[url.replace('/api/index/v1', '')];
  const missing = { code: 'ResourceNotFound', message: 'There is nothing.', requestInfo: {} };
  reply.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
  reply.end(JSON.stringify(found ?? missing));
});
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => void server.close().closeAllConnections());

const index = async (...args: string[]) => {
  const rootUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = memoryIo({ server: { rootUrl } });
  await main(['node', 'taskyard', 'index', ...args], world.io);
  return { out: world.out(), err: world.err(), exitCode: world.exitCode() };
};

it('shows the task at a path', async () => {
  const { out } = await index('find', 'app.latest');
  assert.match(out, /^path +app\.latest\ntask +fN1SbArXTPSVFNUvaOlinQ\nrank +3\n.*\ndata +\{"v":1\}\n$/);
  assert.deepEqual(JSON.parse((await index('find', 'app.latest', '--json')).out), entry);
});

it('says that there is none', async () => {
  const { exitCode, err } = await index('find', 'app.nothing');
  assert.notEqual(exitCode, 0);
  assert.match(err, /There is nothing/);
});

it('lists all pages of a namespace', async () => {
  const { out } = await index('list', 'app');
  assert.match(out, /^app\.by\. +2030\S+\napp\.latest +fN1SbArXTPSVFNUvaOlinQ +2030\S+\n$/);
  const { namespaces, tasks } = JSON.parse((await index('list', 'app', '--json')).out) as Record<string, []>;
  assert.deepEqual([namespaces?.length, tasks?.length], [1, 1]);
});

it('lists the root without a namespace', async () => {
  assert.match((await index('list')).out, /^app\. +2030\S+\n$/);
});
