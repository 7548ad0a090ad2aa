import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CreateTaskRequest, fromNow, Queue, slugid, uploadArtifact } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { runProgram } from './support/command.ts';
import { commandHere } from './support/command-here.ts';
import { aHome, type Platform, taskyard } from './support/platform.ts';

const taskQueueId = 'example/clean';
const metadata = { name: 'kept', description: '', owner: 'a@example.com', source: 'https://example.com/' };
const logName = 'public/logs/live_backing.log';
const megabyte = 2 ** 20;

const aTask = (more: Partial<CreateTaskRequest> = {}): CreateTaskRequest => ({
  taskQueueId,
  created: new Date().toJSON(),
  deadline: fromNow('1 hour').toJSON(),
  expires: fromNow('2 days').toJSON(),
  payload: {},
  metadata,
  ...more,
});

interface Made {
  /** Each of a mebibyte. */
  readonly artifacts?: readonly string[];
  readonly isRunning?: boolean;
  readonly task?: Partial<CreateTaskRequest>;
}

/** Uploads for a task as its worker, and completes it unless it is to go on. */
const makeTask = async (
  { rootUrl, credentials }: Platform,
  { artifacts = ['public/bytes', logName], isRunning = false, task }: Made = {},
): Promise<string> => {
  const queue = new Queue({ rootUrl, credentials });
  const taskId = slugid();
  await queue.createTask(taskId, aTask(task));
  const claim = await queue.claimTask(taskId, '0', { workerGroup: 'g', workerId: 'w' });
  const worker = new Queue({ rootUrl, credentials: claim.credentials });
  const [expires, contentType] = [fromNow('1 day'), 'application/octet-stream'];
  for (const name of artifacts) {
    const content = Buffer.alloc(megabyte, taskId);
    // Logs go to the object service, as workers upload them; other artifacts by a signed URL, as older ones do.
    if (name === logName) {
      const upload = { taskId, runId: 0, name, expires, contentType, content: { bytes: content } };
      await uploadArtifact(worker, upload);
      continue;
    }
    const terms = { storageType: 's3', contentType, expires: expires.toJSON() } as const;
    const reply = await worker.createArtifact(taskId, 0, name, terms);
    assert.ok('putUrl' in reply);
    const put = { method: 'PUT', body: new Uint8Array(content), headers: { 'content-type': contentType } };
    assert.equal((await fetch(reply.putUrl, put)).status, 200);
  }
  if (!isRunning) await worker.reportCompleted(taskId, 0);
  return taskId;
};

/** Makes what is stored of a task look as if it were this many days old. */
const makeOlder = async (data: string, taskId: string, days: number): Promise<void> => {
  const objects = join(data, 'objects');
  const then = fromNow(`-${days} days`);
  let found = 0;
  for (const path of await readdir(objects, { recursive: true })) {
    if (!path.endsWith('about.json')) continue;
    const { key } = JSON.parse(await readFile(join(objects, path), 'utf8')) as { key: string };
    if (!key.includes(`${taskId}/`)) continue;
    await utimes(join(objects, path), then, then);
    found++;
  }
  assert.ok(found > 0, 'something is stored');
};

/** The names of the artifacts that a task has still, as far as they can be read. */
const kept = async ({ rootUrl, credentials }: Platform, taskId: string): Promise<string[]> => {
  const queue = new Queue({ rootUrl, credentials });
  return (await queue.listArtifacts(taskId, 0)).artifacts.map(({ name }) => name).sort();
};

test('a data folder is kept within its limits', async (t) => {
  const home = await aHome(t);
  const platform = await home.start({}, undefined, '--no-worker');
  const says = async (...words: string[]): Promise<string> => {
    const options = { env: { TASKYARD_DATA: home.path } };
    const { out, err, code } = await commandHere(['clean', ...words], options);
    assert.equal(code, 0, err);
    return out;
  };
  const both = ['public/bytes', logName];

  await t.test('nothing goes before it expires, unless somebody says so', async () => {
    const taskId = await makeTask(platform);
    await makeOlder(home.path, taskId, 400);
    assert.match(await says(), /^Deleted artifacts of 0 runs, 0\.0 MB\nDeleted 0 caches/);
    assert.deepEqual(await kept(platform, taskId), both);
    await says('--artifact-days', '100');
    assert.deepEqual(await kept(platform, taskId), []);
  });

  await t.test('artifacts and logs go by their ages, of tasks that nobody needs any more', async () => {
    const [old, young, running, required] = [
      await makeTask(platform),
      await makeTask(platform),
      await makeTask(platform, { isRunning: true }),
      await makeTask(platform),
    ];
    const dependent = slugid();
    const queue = new Queue(platform);
    await queue.createTask(dependent, aTask({ dependencies: [required] }));
    const member = await makeTask(platform, { task: { taskGroupId: dependent } });
    for (const taskId of [old, running, required, member]) await makeOlder(home.path, taskId, 5);
    const would = await says('--artifact-days', '6', '--log-days', '4', '--dry-run');
    assert.match(would, /^Would delete artifacts of 1 run, 1\.0 MB\n/);
    assert.deepEqual(await kept(platform, old), both);
    await says('--artifact-days', '6', '--log-days', '4');
    assert.deepEqual(await kept(platform, old), ['public/bytes']);
    await says('--artifact-days', '4');
    assert.deepEqual(await kept(platform, old), []);
    for (const taskId of [young, running, required, member])
      assert.deepEqual(await kept(platform, taskId), both);
    await queue.cancelTask(dependent);
    await says('--artifact-days', '4');
    for (const taskId of [required, member]) assert.deepEqual(await kept(platform, taskId), []);
    for (const taskId of [young, running]) assert.deepEqual(await kept(platform, taskId), both);
    await says('--artifact-days', '0');
    assert.deepEqual(await kept(platform, running), both);
  });

  await t.test('and the oldest go when all together are too large', async () => {
    const ages = [4, 3, 2, 1];
    const tasks: string[] = [];
    for (const days of ages) {
      const taskId = await makeTask(platform, { artifacts: ['public/bytes'] });
      await makeOlder(home.path, taskId, days);
      tasks.push(taskId);
    }
    // With the two of the task that runs still.
    const { artifacts } = JSON.parse(await says('--artifact-mib', '4', '--json')) as {
      artifacts: { runs: number; bytes: number };
    };
    assert.deepEqual(artifacts, { runs: 2, bytes: 2 * megabyte });
    const left = await Promise.all(tasks.map((taskId) => kept(platform, taskId)));
    assert.deepEqual(
      left.map(({ length }) => length),
      [0, 0, 1, 1],
    );
    const stored = await readdir(join(home.path, 'objects'), { recursive: true });
    assert.equal(
      stored.filter((path) => path.endsWith('about.json')).length,
      4,
      'the bytes are gone as well',
    );
  });

  await t.test('caches of workers that do not run, and long logs', async () => {
    const place = (...path: string[]) => join(home.path, 'local-workers/work', ...path);
    for (const slot of ['0', '1']) {
      await mkdir(place(slot, 'caches/npm-0'), { recursive: true });
      await mkdir(place(slot, 'downloads'), { recursive: true });
      await writeFile(place(slot, 'caches/npm-0/file'), Buffer.alloc(megabyte));
      await writeFile(place(slot, 'downloads/file'), Buffer.alloc(megabyte));
    }
    await writeFile(place('1/worker.lock'), `${process.pid} 1`);
    const log = join(home.path, 'platform.log');
    await writeFile(log, `${'line\n'.repeat(4 * megabyte)}the last line\n`);
    assert.match(
      await says(),
      /^Deleted 0 caches and downloads .*\nDeleted 1 log file of the platform, 21\.0 MB\n/m,
    );
    assert.equal((await stat(log)).size, 0);
    assert.match(await readFile(`${log}.1`, 'utf8'), /^line\nline\n[\s\S]*\nthe last line\n$/);
    assert.match(await says('--cache-days', '0'), /^Deleted 2 caches and downloads of workers, 2\.1 MB$/m);
    assert.deepEqual((await readdir(place())).sort(), ['0', '1']);
    assert.deepEqual(await readdir(place('0/caches')), []);
    assert.deepEqual(await readdir(place('0/downloads')), []);
    assert.deepEqual(await readdir(place('1/caches')), ['npm-0']);
  });

  await t.test(
    'by the platform itself, by its configuration, and by the command while it does not run',
    async () => {
      const [one, two] = [await makeTask(platform), await makeTask(platform)];
      await makeOlder(home.path, one, 3);
      await platform.stop();
      const limits = { CLEAN_LOG_DAYS: '2' };
      const again = await home.start(limits, undefined, '--no-worker');
      await eventually('the old log to go', async () => !(await kept(again, one)).includes(logName));
      assert.deepEqual(await kept(again, one), ['public/bytes']);
      await again.stop();
      assert.match(await says('--artifact-mib', '0'), /^Deleted artifacts of 4 runs, 5\.2 MB\n/);
      const last = await home.start({}, undefined, '--no-worker');
      assert.deepEqual(await kept(last, two), []);
    },
  );

  await t.test('and a folder without a platform is refused in a sentence', async () => {
    const nowhere = join(home.path, 'nowhere');
    const { err, code } = await runProgram(process.execPath, [taskyard, 'clean', '--data', nowhere]);
    assert.equal(err, `taskyard: There is no platform in ${nowhere}.\n`);
    assert.equal(code, 1);
  });
});
