import assert from 'node:assert/strict';
import { it } from 'node:test';
import { withCannedServer } from '../testing/canned-server.ts';

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

const run = withCannedServer(({ path }) => answers[path.replace('index/v1', '')]);
const index = (...args: string[]) => run('index', ...args);

it('shows the task at a path', async () => {
  const { out } = await index('find', 'app.latest');
  assert.match(out, /^path +app\.latest\ntask +fN1SbArXTPSVFNUvaOlinQ\nrank +3\n.*\ndata +\{"v":1\}\n$/);
  assert.deepEqual(JSON.parse((await index('find', 'app.latest', '--json')).out), entry);
});

it('says that there is none', async () => {
  const { exitCode, err } = await index('find', 'app.nothing');
  assert.notEqual(exitCode, 0);
  assert.match(err, /There is no/);
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
