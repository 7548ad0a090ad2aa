import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { Index, Queue } from '@taskyard/client';
import { systemClock } from '../clock.ts';
import { startFakeQueue } from '../testing/fake-queue.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { openDownloads } from './downloads.ts';

const aStore = async (t: TestContext) => {
  const fake = await startFakeQueue();
  t.after(() => fake.close());
  const directory = await temporaryDirectory(t);
  const queue = new Queue({ rootUrl: fake.rootUrl, retries: 1, retryDelayMs: 1 });
  const rules = { allowsPrivate: false, servers: [fake.rootUrl] };
  const downloads = await openDownloads(directory, { clock: systemClock, rules });
  const taskId = fake.addTask({});
  const bytes = Buffer.from('content');
  const facts = { storageType: 's3', contentType: 'text/plain', expires: '' };
  fake.run(taskId).artifacts.set('public/f', { ...facts, bytes });
  const index = new Index({ rootUrl: fake.rootUrl, retries: 0 });
  const access = { queue, index, signal: new AbortController().signal };
  const url = `${fake.rootUrl}/upload/${taskId}/0/${encodeURIComponent('public/f')}`;
  const transfers = (): number => fake.requests.filter(({ path }) => path.startsWith('/upload')).length;
  return { fake, directory, downloads, taskId, access, url, transfers };
};

const sha256 = createHash('sha256').update('content').digest('hex');

test('an artifact is fetched once for all who mount it at the same time, and later', async (t) => {
  const { downloads, taskId, access, transfers } = await aStore(t);
  const content = { kind: 'artifact', taskId, artifact: 'public/f', sha256: undefined } as const;
  const fetched = await Promise.all([1, 2, 3].map(() => downloads.fetch(content, access)));
  fetched.push(await downloads.fetch(content, access));
  for (const { path } of fetched) assert.equal(await readFile(path, 'utf8'), 'content');
  assert.equal(transfers(), 1);
});

test('an artifact of a later run is another', async (t) => {
  const { fake, downloads, taskId, access } = await aStore(t);
  const content = { kind: 'artifact', taskId, artifact: 'public/f', sha256: undefined } as const;
  await downloads.fetch(content, access);
  const artifacts = new Map([
    ['public/f', { storageType: 's3', contentType: '', expires: '', bytes: Buffer.from('new') }],
  ]);
  fake.tasks.get(taskId)?.runs.push({ state: 'completed', reclaims: 0, artifacts });
  assert.equal(await readFile((await downloads.fetch(content, access)).path, 'utf8'), 'new');
});

test('content of the index is that of the task that is there now', async (t) => {
  const { fake, downloads, taskId, access, transfers } = await aStore(t);
  const content = { kind: 'indexed', namespace: 'app.latest', artifact: 'public/f' } as const;
  await assert.rejects(downloads.fetch(content, access), { statusCode: 404 });
  fake.indexed.set('app.latest', taskId);
  const fetch = async () => readFile((await downloads.fetch(content, access)).path, 'utf8');
  assert.deepEqual([await fetch(), await fetch(), transfers()], ['content', 'content', 1]);
  const newer = fake.addTask({});
  const facts = { storageType: 's3', contentType: '', expires: '' };
  fake.run(newer).artifacts.set('public/f', { ...facts, bytes: Buffer.from('newer') });
  fake.indexed.set('app.latest', newer);
  assert.equal(await fetch(), 'newer');
});

test('content of the index is waited for while the index hears of the task that made it', async (t) => {
  const { fake, downloads, taskId, access } = await aStore(t);
  let asked = 0;
  fake.indexed.set('app.latest', taskId);
  fake.fail((path) => (path.includes('app.latest') && ++asked < 3 ? 404 : undefined));
  const content = { kind: 'indexed', namespace: 'app.latest', artifact: 'public/f' } as const;
  assert.equal(await readFile((await downloads.fetch(content, access)).path, 'utf8'), 'content');
  assert.equal(asked, 3);
});

test('a task that may not read an artifact does not get it from an earlier download', async (t) => {
  const { fake, downloads, taskId, access } = await aStore(t);
  const content = { kind: 'artifact', taskId, artifact: 'public/f', sha256 } as const;
  await downloads.fetch(content, access);
  fake.fail((path) => (path.includes('artifact-content') ? 403 : undefined));
  await assert.rejects(downloads.fetch(content, access), { statusCode: 403 });
});

test('without leave to ask for the run, an artifact is fetched each time', async (t) => {
  const { fake, downloads, taskId, access, transfers } = await aStore(t);
  fake.fail((path) => (path.endsWith('/status') ? 403 : undefined));
  const content = { kind: 'artifact', taskId, artifact: 'public/f', sha256: undefined } as const;
  const both = [await downloads.fetch(content, access), await downloads.fetch(content, access)];
  assert.deepEqual(
    both.map(({ isOwn }) => isOwn),
    [true, true],
  );
  assert.equal(transfers(), 2);
});

test('what does not have the wanted hash is not kept', async (t) => {
  const { directory, downloads, taskId, access, url } = await aStore(t);
  const wrong = 'a'.repeat(64);
  const signal = AbortSignal.any([access.signal]);
  await assert.rejects(
    downloads.fetch({ kind: 'artifact', taskId, artifact: 'public/f', sha256: wrong }, { ...access, signal }),
    /sha256/,
  );
  await assert.rejects(downloads.fetch({ kind: 'url', url, sha256: wrong }, access), /sha256/);
  assert.deepEqual(await readdir(directory), []);
});

test('a URL with a hash is fetched once, one without each time', async (t) => {
  const { downloads, access, url, transfers } = await aStore(t);
  await downloads.fetch({ kind: 'url', url, sha256 }, access);
  await downloads.fetch({ kind: 'url', url, sha256 }, access);
  assert.equal(transfers(), 1);
  await downloads.fetch({ kind: 'url', url, sha256: undefined }, access);
  await downloads.fetch({ kind: 'url', url, sha256: undefined }, access);
  assert.equal(transfers(), 3);
});

test('a URL is asked again after a server error, but not after a refusal', async (t) => {
  const { fake, downloads, access, url, transfers } = await aStore(t);
  const answers = [500, undefined, 404];
  fake.fail((path) => (path.startsWith('/upload') ? answers.shift() : undefined));
  await downloads.fetch({ kind: 'url', url, sha256: undefined }, access);
  assert.equal(transfers(), 2);
  await assert.rejects(downloads.fetch({ kind: 'url', url, sha256: undefined }, access), { statusCode: 404 });
  assert.equal(transfers(), 3);
});

test('one task that gives up does not take the download from another', async (t) => {
  const { downloads, access, url } = await aStore(t);
  const ending = new AbortController();
  const first = downloads.fetch({ kind: 'url', url, sha256 }, { ...access, signal: ending.signal });
  const second = downloads.fetch({ kind: 'url', url, sha256 }, access);
  ending.abort(new Error('over'));
  await assert.rejects(first);
  assert.equal(await readFile((await second).path, 'utf8'), 'content');
});

test('unused downloads can be evicted, and are fetched again', async (t) => {
  const { downloads, taskId, access, transfers, directory } = await aStore(t);
  const content = { kind: 'artifact', taskId, artifact: 'public/f', sha256: undefined } as const;
  const first = await downloads.fetch(content, access);
  assert.deepEqual(downloads.evictable(), []);
  await first.release();
  const [stale] = downloads.evictable();
  const second = await downloads.fetch(content, access);
  await stale?.remove();
  assert.equal((await readdir(directory)).length, 1);
  await second.release();
  for (const one of downloads.evictable()) await one.remove();
  assert.deepEqual(await readdir(directory), []);
  await downloads.fetch(content, access);
  assert.equal(transfers(), 2);
});
