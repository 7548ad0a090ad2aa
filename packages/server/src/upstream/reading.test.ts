import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, it } from 'node:test';
import { manualClock, minutes } from '../base/index.ts';
import { UpstreamReading, UpstreamRefusal, UpstreamTrouble } from './reading.ts';

// The other deployment is played here; test/existing-repository.test.ts reads a real one.

const asked: string[] = [];
let reply: (path: string, response: ServerResponse) => void;
const server = createServer(({ url = '' }, response) => {
  asked.push(url);
  reply(url, response);
});
let rootUrl = '';
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  rootUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());
beforeEach(() => {
  asked.length = 0;
});

const json = (response: ServerResponse, body: object, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

it('the artifacts of a run are those that everybody may read, from all pages', async () => {
  const artifact = (name: string, storageType = 's3') => ({
    name,
    storageType,
    contentType: 'text/plain',
    expires: '2030-01-01T00:00:00.000Z',
  });
  reply = (path, response) =>
    path.endsWith('?continuationToken=more')
      ? json(response, { artifacts: [artifact('public/a b/c+d.txt')] })
      : json(response, {
          artifacts: [artifact('public/one'), artifact('private/two'), artifact('public/three', 'error')],
          continuationToken: 'more',
        });
  const found = await new UpstreamReading(`${rootUrl}/`, manualClock()).artifactsOf('T', 2);
  assert.deepEqual(
    found.map(({ url }) => url.slice(rootUrl.length)),
    ['public/one', 'public/a%20b/c%2Bd.txt'].map((name) => `/api/queue/v1/task/T/runs/2/artifacts/${name}`),
  );
});

it('the artifacts of a run end at an empty token too, and are refused where there are more than can be kept', async () => {
  const reading = new UpstreamReading(rootUrl, manualClock());
  const page = (names: readonly string[], continuationToken: string) => ({
    artifacts: names.map((name) => ({ name, storageType: 's3', contentType: 'text/plain', expires: '2030' })),
    continuationToken,
  });
  reply = (_path, response) => json(response, page(['public/one'], ''));
  assert.equal((await reading.artifactsOf('T', 0)).length, 1);
  const many = Array.from({ length: 4000 }, (_, i) => `public/${i}`);
  for (const names of [many, [`public/${'x'.repeat(6 * 2 ** 20)}`]]) {
    asked.length = 0;
    reply = (_path, response) => json(response, page(names, 'more'));
    await assert.rejects(reading.artifactsOf('T', 0), /It has too many artifacts/);
    assert.equal(asked.length, 3);
  }
});

it('a task is found when it has completed, and what is not for everybody is said to be so', async () => {
  const reading = new UpstreamReading(rootUrl, manualClock());
  let state = 'running';
  reply = (path, response) =>
    json(response, path.endsWith('/status') ? { status: { state, runs: [{}, {}] } } : { payload: {} });
  assert.equal(await reading.taskOf('T'), undefined);
  state = 'completed';
  assert.deepEqual(await reading.taskOf('T'), { definition: { payload: {} }, runId: 1 });
  reply = (_path, response) => json(response, { code: 'InsufficientScopes' }, 403);
  const refused = (part: string) => (error: unknown) =>
    error instanceof UpstreamRefusal &&
    error.message === `${rootUrl} wants credentials for ${part}: it answers 403.`;
  await assert.rejects(reading.entriesAt(['a.b']), refused('index/v1/tasks/indexes'));
  await assert.rejects(reading.artifactsOf('T', 0), refused('queue/v1/task/T/runs/0/artifacts'));
  reply = (_path, response) => json(response, { code: 'ResourceNotFound' }, 404);
  assert.equal(await reading.taskOf('T'), undefined);
});

it('a server that fails is asked again after a while only, and the sentence says why', async () => {
  const clock = manualClock();
  const reading = new UpstreamReading(rootUrl, clock);
  reply = (_path, response) => json(response, {}, 502);
  const look = () => reading.entriesAt(['a.b']);
  const isTrouble = (error: unknown): boolean =>
    error instanceof UpstreamTrouble &&
    error.message === `${rootUrl} could not be asked for it: it answers 502.`;
  await assert.rejects(look, isTrouble);
  await assert.rejects(look, isTrouble);
  assert.equal(asked.length, 1);
  reply = (_path, response) => json(response, { tasks: [] });
  clock.advance(minutes(1));
  assert.deepEqual(await look(), []);
});

it('a server names only entries that it was asked for', async () => {
  reply = (_path, response) =>
    json(response, {
      tasks: ['a.b', 'c.d'].map((namespace) => ({ namespace, taskId: 'AAAAAAAAQAOAAAAAAAAAAA' })),
    });
  const entries = await new UpstreamReading(rootUrl, manualClock()).entriesAt(['a.b']);
  assert.deepEqual(
    entries.map(({ namespace }) => namespace),
    ['a.b'],
  );
});

it('a server that leads elsewhere is not followed', async () => {
  reply = (_path, response) => void response.writeHead(307, { location: `${rootUrl}/elsewhere` }).end();
  const error = { message: `${rootUrl} could not be asked for it: it answers 307.` };
  await assert.rejects(new UpstreamReading(rootUrl, manualClock()).entriesAt(['a.b']), error);
  assert.deepEqual(asked, ['/api/index/v1/tasks/indexes']);
});

it('a server that does not answer, or not to the end, is waited for so long and no longer', async () => {
  for (const begin of ['', '{"tasks": [']) {
    reply = (_path, response) => {
      if (begin !== '') response.write(begin);
    };
    const reading = new UpstreamReading(rootUrl, manualClock(), 50);
    const isSlow = (error: unknown): boolean =>
      (error as Error).message === `${rootUrl} could not be asked for it: it takes longer than 0.05 s.`;
    await assert.rejects(reading.entriesAt(['a.b']), isSlow);
  }
  server.closeAllConnections();
});
