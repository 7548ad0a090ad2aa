import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { it } from 'node:test';
import { official } from './support/official-client.ts';
import { aHome } from './support/platform.ts';

const taskQueueId = 'example/official-client';

it("the original's own client drives a task from creation to its artifacts", async (t) => {
  const home = await aHome(t);
  const { rootUrl, credentials } = await home.start({ WORKER: 'false' });
  const queue = new official.Queue({ rootUrl, credentials });

  // A worker waits before there is work.
  const work = queue.claimWork(taskQueueId, { workerGroup: 'example', workerId: 'one', tasks: 1 });
  const taskId = official.slugid();
  const expires = official.fromNow('1 day').toJSON();
  const created = await queue.createTask(taskId, {
    taskQueueId,
    created: official.fromNow('0 seconds').toJSON(),
    deadline: official.fromNow('1 hour').toJSON(),
    expires,
    payload: { command: ['true'] },
    metadata: {
      name: 'a task',
      description: 'Driven by a client of the original',
      owner: 'nobody@example.com',
      source: 'https://example.com/',
    },
  });
  assert.match(created.status.state, /^(pending|running)$/);

  const [claim] = (await work).tasks;
  assert.ok(claim);
  assert.equal(claim.status.taskId, taskId);
  const run = new official.Queue({ rootUrl, credentials: claim.credentials });
  const reclaim = await run.reclaimTask(taskId, claim.runId);
  assert.ok(new Date(reclaim.takenUntil) >= new Date(claim.takenUntil));
  const worker = new official.Queue({ rootUrl, credentials: reclaim.credentials });

  const contentType = 'text/plain';
  const signed = await worker.createArtifact(taskId, 0, 'public/signed.txt', {
    storageType: 's3',
    contentType,
    expires,
  });
  const put = await fetch(signed.putUrl, {
    method: 'PUT',
    body: 'by URL',
    headers: { 'content-type': contentType },
  });
  assert.equal(put.status, 200);

  const content = Buffer.alloc(100_000, 'by object. ');
  const object = await worker.createArtifact(taskId, 0, 'public/object.txt', {
    storageType: 'object',
    contentType,
    expires,
  });
  await official.upload({
    object: new official.Object({ rootUrl, credentials: object.credentials }),
    projectId: object.projectId,
    name: object.name,
    uploadId: object.uploadId,
    expires: object.expires,
    contentType,
    contentLength: content.length,
    streamFactory: async () => Readable.from([content]),
  });
  await worker.finishArtifact(taskId, 0, 'public/object.txt', { uploadId: object.uploadId });

  const done = await worker.reportCompleted(taskId, 0);
  assert.equal(done.status.state, 'completed');
  assert.equal((await queue.status(taskId)).status.runs[0]?.reasonResolved, 'completed');
  assert.equal((await queue.task(taskId)).metadata.name, 'a task');

  const { artifacts } = await queue.listArtifacts(taskId, 0);
  assert.deepEqual(artifacts.map(({ name, storageType }) => `${storageType} ${name}`).sort(), [
    'object public/object.txt',
    's3 public/signed.txt',
  ]);
  const download = async (name: string): Promise<Buffer> => {
    const sink = new PassThrough();
    const [bytes] = await Promise.all([
      buffer(sink),
      official.downloadArtifact({ queue, taskId, name, streamFactory: async () => sink }),
    ]);
    return bytes;
  };
  assert.equal((await download('public/signed.txt')).toString(), 'by URL');
  assert.deepEqual(await download('public/object.txt'), content);
});
