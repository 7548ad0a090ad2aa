import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Queue, type TaskClaimResponse } from '@taskyard/client';
import { holdClaim } from '../claims/index.ts';
import { systemClock } from '../clock.ts';
import { startFakeQueue } from '../testing/fake-queue.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { silentLog } from '../worker-log.ts';
import { collectArtifacts } from './collect.ts';
import { openUploads } from './upload.ts';

/** A run whose directory `d` is its only artifact, and what uploads it. */
const aRun = async (t: TestContext, more: readonly string[] = []) => {
  const fake = await startFakeQueue();
  t.after(() => fake.close());
  const taskId = fake.addTask({});
  const queue = new Queue({ rootUrl: fake.rootUrl, retries: 0 });
  const { tasks } = await queue.claimWork('test/worker', { workerGroup: 'g', workerId: 'w', tasks: 1 });
  const claim = holdClaim(tasks[0] as TaskClaimResponse, {
    rootUrl: fake.rootUrl,
    clock: systemClock,
    log: silentLog,
  });
  t.after(() => claim.letGo());
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, 'd/sub'), { recursive: true });
  const described = { expires: new Date('2031-01-01'), contentType: undefined, contentEncoding: undefined };
  const named = (path: string) =>
    ({ ...described, type: 'file', path, name: path, isOptional: false }) as const;
  const collect = () =>
    collectArtifacts({ directory }, [
      { ...described, type: 'directory', path: 'd', name: 'public', isOptional: false },
      ...more.map(named),
    ]);
  const { upload } = openUploads();
  const { signal } = new AbortController();
  return {
    fake,
    collect,
    write: (path: string, bytes: string | Buffer) => writeFile(join(directory, path), bytes),
    at: (path: string) => join(directory, path),
    upload: async (collection = collect()) => upload(claim, await collection, signal),
    /** The content of each artifact, as a reader gets it. */
    stored: () =>
      Object.fromEntries(
        [...fake.run(taskId).artifacts].map(([name, { bytes, headers, reason }]) => [
          name,
          reason ??
            (headers?.['content-encoding'] === 'gzip' ? gunzipSync(bytes ?? '') : bytes)?.toString('latin1'),
        ]),
      ),
    /** Requests by their kind, each with how often it came. */
    counts: () => {
      const kinds = fake.requests.map(({ path }) =>
        /^\/(create-artifacts|upload)|(\/artifacts\/)/.exec(path),
      );
      const named = kinds.map((found) => found?.[1] ?? (found?.[2] ? 'artifacts' : undefined));
      const of = (kind: string) => named.filter((one) => one === kind).length;
      return { lists: of('create-artifacts'), single: of('artifacts'), uploads: of('upload') };
    },
  };
};

test('small files and records of missing ones go up many by one call, large ones by themselves', async (t) => {
  const { fake: _, write, upload, stored, counts, at } = await aRun(t, ['absent']);
  const large = randomBytes(9000).toString('latin1');
  const text = 'text that is compressed\n'.repeat(200);
  await write('d/a.txt', text);
  await write('d/b.png', 'no text');
  await write('d/sub/empty', '');
  await write('d/large.bin', Buffer.from(large, 'latin1'));
  await symlink('b.png', at('d/link.png'));
  assert.deepEqual(await upload(), []);
  assert.deepEqual(stored(), {
    absent: 'file-missing-on-worker',
    'public/a.txt': text,
    'public/b.png': 'no text',
    'public/sub/empty': '',
    'public/large.bin': large,
    'public/link.png': 'no text',
  });
  assert.deepEqual(counts(), { lists: 1, single: 2, uploads: 2 });
});

test('more files than a call takes go up by several', async (t) => {
  const { write, upload, stored, counts } = await aRun(t);
  const names = Array.from({ length: 600 }, (_, i) => `${i}.txt`);
  await Promise.all(names.map((name) => write(`d/${name}`, `content of ${name}`)));
  assert.deepEqual(await upload(), []);
  assert.deepEqual(
    stored(),
    Object.fromEntries(names.map((name) => [`public/${name}`, `content of ${name}`])),
  );
  assert.deepEqual(counts(), { lists: 3, single: 0, uploads: 0 });
});

test('a queue that knows no lists is asked for one once, and gets each by itself', async (t) => {
  const { fake, write, upload, stored, counts } = await aRun(t);
  fake.fail((path) => (path.startsWith('/create-artifacts') ? 404 : undefined));
  for (const name of ['a', 'b']) await write(`d/${name}`, name);
  assert.deepEqual(await upload(), []);
  assert.deepEqual(await upload(), []);
  assert.deepEqual(stored(), { 'public/a': 'a', 'public/b': 'b' });
  assert.deepEqual(counts(), { lists: 1, single: 4, uploads: 4 });
});

test('a list that is refused as a whole concerns none of its files', async (t) => {
  const { fake, write, upload, stored, counts } = await aRun(t);
  fake.fail((path) => (path.startsWith('/create-artifacts') ? 413 : undefined));
  for (const name of ['a', 'b']) await write(`d/${name}`, name);
  assert.deepEqual(await upload(), []);
  assert.deepEqual(stored(), { 'public/a': 'a', 'public/b': 'b' });
  assert.deepEqual(counts(), { lists: 1, single: 2, uploads: 2 });
});

test('a list whose answer is lost is sent again, and a server that fails for a moment is waited for', async (t) => {
  const { fake, write, upload, stored, counts } = await aRun(t);
  const faults = [0, 503];
  fake.fail((path) => (path.startsWith('/create-artifacts') ? faults.shift() : undefined));
  for (const name of ['a', 'b']) await write(`d/${name}`, name);
  assert.deepEqual(await upload(), []);
  assert.deepEqual(stored(), { 'public/a': 'a', 'public/b': 'b' });
  assert.deepEqual(counts(), { lists: 3, single: 0, uploads: 0 });
});

test('an artifact of a list that is refused, and a file that has gone, leave the others untouched', async (t) => {
  const { fake, collect, write, upload, stored, at } = await aRun(t);
  for (const name of ['a', 'gone', 'taken', 'z']) await write(`d/${name}`, name);
  const [task] = fake.tasks.values();
  const expires = new Date('2031-01-01').toJSON();
  task?.runs[0]?.artifacts.set('public/taken', { storageType: 'reference', contentType: '', expires });
  const collection = await collect();
  await unlink(at('d/gone'));
  const refused = await upload(Promise.resolve(collection));
  assert.deepEqual(refused.map(({ name }) => name).sort(), ['public/gone', 'public/taken']);
  assert.match(refused.find(({ name }) => name === 'public/taken')?.message ?? '', /exists as reference/);
  const { 'public/taken': _, ...others } = stored();
  assert.deepEqual(others, { 'public/a': 'a', 'public/z': 'z' });
});
