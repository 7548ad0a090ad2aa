// Create a task → claim it → give it artifacts → resolve it → find it by its index → trigger a hook.
import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import taskcluster from 'taskcluster-client';
import { aTask, claimOne, clientOf, eventually, site } from './site.mjs';

const taskQueueId = 'journeys/node';

const uploadByUrl = async (worker, taskId, name) => {
  const contentType = 'text/plain';
  const expires = taskcluster.fromNowJSON('1 hour');
  const { putUrl } = await worker.createArtifact(taskId, 0, name, {
    storageType: 's3',
    contentType,
    expires,
  });
  const put = await fetch(putUrl, {
    method: 'PUT',
    body: 'by URL',
    headers: { 'content-type': contentType },
  });
  assert.equal(put.status, 200);
};

const uploadAsObject = async (worker, { taskId, name, content }) => {
  const contentType = 'text/plain';
  const expires = taskcluster.fromNowJSON('1 hour');
  const object = await worker.createArtifact(taskId, 0, name, {
    storageType: 'object',
    contentType,
    expires,
  });
  await taskcluster.upload({
    object: clientOf('Object', { credentials: object.credentials }),
    projectId: object.projectId,
    name: object.name,
    uploadId: object.uploadId,
    expires: object.expires,
    contentType,
    contentLength: content.length,
    streamFactory: async () => Readable.from([content]),
  });
  await worker.finishArtifact(taskId, 0, name, { uploadId: object.uploadId });
};

const download = async (taskId, name) => {
  const sink = new PassThrough();
  const [bytes] = await Promise.all([
    buffer(sink),
    taskcluster.downloadArtifact({
      queue: clientOf('Queue'),
      taskId,
      name,
      streamFactory: async () => sink,
    }),
  ]);
  return bytes;
};

const hook = {
  metadata: { name: 'a hook', description: 'Makes a task', owner: 'nobody@example.com' },
  triggerSchema: { type: 'object', properties: { word: { type: 'string' } } },
  task: {
    taskQueueId,
    payload: { command: ['echo', { $eval: 'payload.word' }] },
    metadata: {
      name: 'by a hook',
      description: '',
      owner: 'nobody@example.com',
      source: 'https://example.com/',
    },
  },
};

const triggerHook = async () => {
  const hooks = clientOf('Hooks');
  await clientOf('Auth').createRole('hook-id:journeys/node', {
    description: 'What the hook may do',
    scopes: [
      `queue:create-task:lowest:${taskQueueId}`,
      'queue:create-task:project:none',
      'queue:scheduler-id:*',
    ],
  });
  await hooks.createHook('journeys', 'node', hook);
  const { taskId } = await hooks.triggerHook('journeys', 'node', { word: 'hello' });
  assert.deepEqual((await clientOf('Queue').task(taskId)).payload.command, ['echo', 'hello']);
  const { task, worker } = await claimOne(taskQueueId);
  assert.equal(task.metadata.name, 'by a hook');
  await worker.reportCompleted(taskId, 0);
  await eventually(async () => {
    const { lastFires } = await hooks.listLastFires('journeys', 'node');
    assert.deepEqual(
      lastFires.map(({ taskId, firedBy, result }) => ({ taskId, firedBy, result })),
      [{ taskId, firedBy: 'triggerHook', result: 'success' }],
    );
  });
};

export const journey = async () => {
  const queue = clientOf('Queue');
  // A worker waits before there is work.
  const work = claimOne(taskQueueId);
  const taskId = taskcluster.slugid();
  const definition = aTask(taskQueueId, { routes: ['index.journeys.node.latest'] });
  const created = await queue.createTask(taskId, definition);
  assert.match(created.status.state, /^(pending|running)$/);

  const claim = await work;
  assert.equal(claim.status.taskId, taskId);
  const reclaim = await claim.worker.reclaimTask(taskId, claim.runId);
  assert.ok(new Date(reclaim.takenUntil) >= new Date(claim.takenUntil));
  const worker = clientOf('Queue', { credentials: reclaim.credentials });

  // One small enough to travel inside the request, and one that is uploaded on its own.
  const small = Buffer.from('small');
  const large = Buffer.alloc(100_000, 'by object. ');
  await uploadByUrl(worker, taskId, 'public/signed.txt');
  await uploadAsObject(worker, { taskId, name: 'public/small.txt', content: small });
  await uploadAsObject(worker, { taskId, name: 'public/large.txt', content: large });

  const done = await worker.reportCompleted(taskId, 0);
  assert.equal(done.status.state, 'completed');
  assert.equal((await queue.status(taskId)).status.runs[0].reasonResolved, 'completed');
  assert.equal((await queue.task(taskId)).metadata.name, 'a task');

  const { artifacts } = await queue.listArtifacts(taskId, 0);
  assert.deepEqual(artifacts.map(({ name, storageType }) => `${storageType} ${name}`).sort(), [
    'object public/large.txt',
    'object public/small.txt',
    's3 public/signed.txt',
  ]);
  assert.equal((await download(taskId, 'public/signed.txt')).toString(), 'by URL');
  assert.deepEqual(await download(taskId, 'public/small.txt'), small);
  assert.deepEqual(await download(taskId, 'public/large.txt'), large);

  // Everybody may look: no credentials.
  const index = new taskcluster.Index({ rootUrl: site.rootUrl });
  const found = await eventually(() => index.findTask('journeys.node.latest'));
  assert.equal(found.taskId, taskId);
  const url = index.buildUrl(index.findArtifactFromTask, 'journeys.node.latest', 'public/large.txt');
  assert.equal(await (await fetch(url)).text(), large.toString());

  await triggerHook();
};
