import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CreateTaskRequest, downloadArtifact, fromNow, Queue, Secrets, slugid } from '@taskyard/client';
import { type Ended, runProgram } from './support/command.ts';
import { aHome, type Platform, taskyard } from './support/platform.ts';

const taskQueueId = 'team/linux';
const metadata = { name: 'kept', description: '', owner: 'a@example.com', source: 'https://example.com/' };

const aTask = (): CreateTaskRequest => ({
  taskQueueId,
  created: new Date().toJSON(),
  deadline: fromNow('1 hour').toJSON(),
  payload: {},
  metadata,
});

const queueOf = ({ rootUrl, credentials }: Platform): Queue => new Queue({ rootUrl, credentials });

const run = (...words: string[]): Promise<Ended> => runProgram(process.execPath, [taskyard, ...words]);

const succeed = async (...words: string[]): Promise<string> => {
  const { out, err, code } = await run(...words);
  assert.equal(code, 0, err);
  return out;
};

const refusal = async (...words: string[]): Promise<string> => {
  const { err, code } = await run(...words);
  assert.equal(code, 1, err);
  assert.doesNotMatch(err, /\n.*\n/, 'one sentence');
  return err;
};

/** Completes a task with an artifact of these bytes. */
const aTaskWithArtifact = async (platform: Platform, bytes: Buffer): Promise<string> => {
  const queue = queueOf(platform);
  const taskId = slugid();
  await queue.createTask(taskId, aTask());
  const { tasks } = await queue.claimWork(taskQueueId, { workerGroup: 'g', workerId: 'w', tasks: 1 });
  const [claim] = tasks;
  assert.equal(claim?.status.taskId, taskId);
  const worker = new Queue({ rootUrl: platform.rootUrl, credentials: claim.credentials });
  const reply = await worker.createArtifact(taskId, 0, 'public/bytes', {
    storageType: 's3',
    contentType: 'application/octet-stream',
    expires: fromNow('1 day').toJSON(),
  });
  assert.ok('putUrl' in reply);
  const put = await fetch(reply.putUrl, {
    method: 'PUT',
    body: new Uint8Array(bytes),
    headers: { 'content-type': 'application/octet-stream' },
  });
  assert.equal(put.status, 200);
  await worker.reportCompleted(taskId, 0);
  return taskId;
};

test('a platform is backed up while it runs, and restored elsewhere', async (t) => {
  const [home, elsewhere, aside] = [await aHome(t), await aHome(t), await aHome(t)];
  const file = join(aside.path, 'backup.tar.gz');
  const bytes = randomBytes(3_000_000);
  const platform = await home.start({}, undefined, '--no-worker');
  const taskId = await aTaskWithArtifact(platform, bytes);
  const waiting = slugid();
  await queueOf(platform).createTask(waiting, aTask());
  const secret = { password: 'open, sesame' };
  const expires = fromNow('1 day').toJSON();
  const { rootUrl, credentials } = platform;
  await new Secrets({ rootUrl, credentials }).set('kept', { secret, expires });

  await t.test('while tasks are created', async () => {
    let isBackedUp = false;
    const backedUp = succeed('backup', file, '--data', home.path).finally(() => {
      isBackedUp = true;
    });
    const queue = queueOf(platform);
    while (!isBackedUp) await queue.createTask(slugid(), aTask());
    assert.match(await backedUp, /backup\.tar\.gz: \d+\.\d MB, of Taskyard \d/);
    assert.equal((await stat(file)).mode & 0o077, 0);
    assert.deepEqual(await readdir(aside.path), ['backup.tar.gz']);
  });

  await t.test('not into a folder with files, and not over a file', async () => {
    assert.match(await refusal('restore', file, '--data', home.path), /A platform runs on/);
    await writeFile(join(elsewhere.path, 'mine.txt'), '');
    assert.match(
      await refusal('restore', file, '--data', elsewhere.path),
      /is not empty: it holds mine\.txt/,
    );
    assert.match(await refusal('backup', file, '--data', home.path), /exists already/);
    assert.match(await refusal('backup', `${file}2`, '--data', elsewhere.path), /There is no platform in/);
  });

  await t.test('with tasks, artifacts, secrets and credentials as they were', async () => {
    await rm(join(elsewhere.path, 'mine.txt'));
    await succeed('restore', file, '--data', elsewhere.path);
    await platform.stop();
    const restored = await elsewhere.start({}, undefined, '--no-worker');
    const queue = new Queue({ rootUrl: restored.rootUrl, credentials });
    assert.equal((await queue.status(taskId)).status.state, 'completed');
    assert.equal((await queue.task(taskId)).metadata.name, 'kept');
    const path = join(aside.path, 'bytes');
    await downloadArtifact(queue, { taskId, name: 'public/bytes', path });
    assert.ok(bytes.equals(await readFile(path)), 'the artifact is byte-equal');
    assert.deepEqual(
      (await new Secrets({ rootUrl: restored.rootUrl, credentials }).get('kept')).secret,
      secret,
    );
    const { tasks } = await queue.claimWork(taskQueueId, { workerGroup: 'g', workerId: 'w', tasks: 1 });
    assert.equal(tasks[0]?.status.taskId, waiting);
  });

  await t.test('and also when it does not run', async () => {
    const stopped = join(aside.path, 'stopped.tar.gz');
    await succeed('backup', stopped, '--data', home.path);
    await succeed('restore', stopped, '--data', join(aside.path, 'data'));
    assert.ok((await readdir(join(aside.path, 'data'))).includes('encryption.keys'));
  });

  await t.test('not from an incomplete backup', async () => {
    const data = join(aside.path, 'none');
    const other = join(aside.path, 'other');
    await writeFile(other, 'text');
    assert.match(await refusal('restore', other, '--data', data), /other cannot be restored/);
    assert.match(await refusal('restore', join(aside.path, 'gone'), '--data', data), /There is no file/);
    await truncate(file, Math.floor((await stat(file)).size / 2));
    await mkdir(data);
    assert.match(
      await refusal('restore', file, '--data', data),
      /cannot be restored: unexpected end of file/,
    );
    assert.deepEqual(await readdir(data), []);
  });
});
