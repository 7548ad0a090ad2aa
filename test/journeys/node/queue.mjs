import assert from 'node:assert/strict';
import taskcluster from 'taskcluster-client';
import { allPages, aTask, claimOne, clientOf, refusal, site } from './site.mjs';

const taskQueueId = 'journeys/node-queue';
const worker = ['journeys', 'node-queue', 'node', 'one'];

const idsOf = (answers) => answers.map(({ taskId, status }) => taskId ?? status.taskId).sort();

/** A group of three, of which the last waits for the first. */
const groups = async (queue) => {
  const taskGroupId = taskcluster.slugid();
  const ids = [taskGroupId, taskcluster.slugid(), taskcluster.slugid()];
  for (const [i, taskId] of ids.entries()) {
    const dependencies = i === 2 ? [taskGroupId] : [];
    await queue.createTask(taskId, aTask(taskQueueId, { taskGroupId, dependencies }));
  }
  const sorted = [...ids].sort();
  assert.deepEqual(
    idsOf(await allPages((query) => queue.listTaskGroup(taskGroupId, query), 'tasks')),
    sorted,
  );
  assert.deepEqual(idsOf(await allPages((query) => queue.listDependentTasks(taskGroupId, query), 'tasks')), [
    ids[2],
  ]);
  const tasks = await queue.tasks({ taskIds: ids });
  assert.deepEqual(idsOf(tasks.tasks), sorted);
  assert.deepEqual(idsOf((await queue.statuses({ taskIds: ids })).statuses), sorted);
  assert.equal((await queue.getTaskGroup(taskGroupId)).taskGroupId, taskGroupId);

  assert.equal((await queue.taskQueueCounts(taskQueueId)).pendingTasks, 2);
  assert.equal((await queue.pendingTasks(taskQueueId)).pendingTasks, 2);
  const pending = await allPages((query) => queue.listPendingTasks(taskQueueId, query), 'tasks');
  assert.deepEqual(idsOf(pending), ids.slice(0, 2).sort());

  const first = await claimOne(taskQueueId);
  const claimed = await allPages((query) => queue.listClaimedTasks(taskQueueId, query), 'tasks');
  assert.deepEqual(idsOf(claimed), [first.status.taskId]);
  await first.worker.reportFailed(first.status.taskId, 0);
  assert.equal((await queue.rerunTask(first.status.taskId)).status.runs.length, 2);

  const { taskGroupId: sealed } = await queue.sealTaskGroup(taskGroupId);
  assert.equal(sealed, taskGroupId);
  const late = queue.createTask(taskcluster.slugid(), aTask(taskQueueId, { taskGroupId }));
  assert.equal(await refusal(late), '409 RequestConflict');
  const cancelled = await queue.cancelTaskGroup(taskGroupId);
  assert.equal(cancelled.cancelledCount, 3);
  assert.equal((await queue.status(ids[2])).status.state, 'exception');
};

/** One task's runs: claimed by name, given up by its worker, forced, and cancelled. */
const runs = async (queue) => {
  const taskId = taskcluster.slugid();
  await queue.createTask(taskId, aTask(taskQueueId, { dependencies: [], retries: 1 }));
  const claim = await queue.claimTask(taskId, 0, { workerGroup: 'node', workerId: 'one' });
  const first = clientOf('Queue', { credentials: claim.credentials });
  const { status } = await first.reportException(taskId, 0, { reason: 'worker-shutdown' });
  assert.deepEqual(
    status.runs.map(({ state }) => state),
    ['exception', 'pending'],
  );
  assert.equal((await queue.cancelTask(taskId)).status.runs[1].reasonResolved, 'canceled');

  const never = taskcluster.slugid();
  const waiting = taskcluster.slugid();
  await queue.createTask(never, aTask(taskQueueId));
  await queue.createTask(waiting, aTask(taskQueueId, { dependencies: [never] }));
  assert.equal((await queue.status(waiting)).status.state, 'unscheduled');
  assert.equal((await queue.scheduleTask(waiting)).status.state, 'pending');
  await queue.cancelTask(waiting);
  await queue.cancelTask(never);
  assert.equal(await refusal(queue.task(taskcluster.slugid())), '404 ResourceNotFound');
};

const bodyOf = async (url, status = 200) => {
  const answer = await fetch(url);
  assert.equal(answer.status, status, url);
  return answer.text();
};

/** Creates artifacts of all kinds in a task; returns its id. */
const createArtifacts = async (queue) => {
  const taskId = taskcluster.slugid();
  await queue.createTask(taskId, aTask(taskQueueId));
  const { worker: run } = await claimOne(taskQueueId);
  const expires = taskcluster.fromNowJSON('1 hour');
  const contentType = 'text/plain';
  for (const name of ['public/open.txt', 'private/closed.txt']) {
    const { putUrl } = await run.createArtifact(taskId, 0, name, { storageType: 's3', contentType, expires });
    await fetch(putUrl, { method: 'PUT', body: name, headers: { 'content-type': contentType } });
  }
  await run.createArtifact(taskId, 0, 'public/link.txt', {
    storageType: 'link',
    artifact: 'public/open.txt',
    contentType,
    expires,
  });
  const refused = { storageType: 'error', reason: 'file-missing-on-worker', message: 'not there', expires };
  await run.createArtifact(taskId, 0, 'public/error.txt', refused);
  await run.reportCompleted(taskId, 0);
  return taskId;
};

const listArtifacts = async (queue, taskId) => {
  const names = ['private/closed.txt', 'public/error.txt', 'public/link.txt', 'public/open.txt'];
  const namesOf = (list) => list.map(({ name }) => name).sort();
  const ofRun = (query) => queue.listArtifacts(taskId, 0, query);
  assert.deepEqual(namesOf(await allPages(ofRun, 'artifacts')), names);
  const latest = (query) => queue.listLatestArtifacts(taskId, query);
  assert.deepEqual(namesOf(await allPages(latest, 'artifacts')), names);
  assert.equal((await queue.artifactInfo(taskId, 0, 'public/open.txt')).contentType, 'text/plain');
  assert.equal((await queue.latestArtifactInfo(taskId, 'public/link.txt')).storageType, 'link');
};

/** Artifacts by URLs, with and without a signature. */
const artifactUrls = async (queue, taskId) => {
  const open = new taskcluster.Queue({ rootUrl: site.rootUrl });
  assert.equal(
    await bodyOf(open.buildUrl(open.getArtifact, taskId, 0, 'public/open.txt')),
    'public/open.txt',
  );
  assert.equal(
    await bodyOf(open.buildUrl(open.getLatestArtifact, taskId, 'public/link.txt')),
    'public/open.txt',
  );
  await bodyOf(open.buildUrl(open.getLatestArtifact, taskId, 'public/error.txt'), 424);
  await bodyOf(open.buildUrl(open.getLatestArtifact, taskId, 'private/closed.txt'), 403);
  for (const url of [
    queue.buildSignedUrl(queue.getArtifact, taskId, 0, 'private/closed.txt'),
    queue.externalBuildSignedUrl(queue.getLatestArtifact, taskId, 'private/closed.txt', { expiration: 60 }),
  ]) {
    assert.equal(await bodyOf(url), 'private/closed.txt');
    await bodyOf(url.replace('closed', 'other'), 401);
  }
  const guest = taskcluster.createTemporaryCredentials({
    start: taskcluster.fromNow('-1 minute'),
    expiry: taskcluster.fromNow('1 hour'),
    scopes: ['queue:get-artifact:private/closed.txt'],
    credentials: site.credentials,
  });
  const guests = clientOf('Queue', { credentials: guest });
  assert.equal(
    await bodyOf(guests.buildSignedUrl(guests.getLatestArtifact, taskId, 'private/closed.txt')),
    'private/closed.txt',
  );
};

/** Artifacts of all kinds, asked for in every way, also by signed URLs. */
const artifacts = async (queue) => {
  const taskId = await createArtifacts(queue);
  await listArtifacts(queue, taskId);
  await artifactUrls(queue, taskId);
  // Clients of this kind do not follow redirects: their callers get the body.
  for (const redirect of [
    await queue.getArtifact(taskId, 0, 'private/closed.txt'),
    await queue.getLatestArtifact(taskId, 'private/closed.txt'),
  ]) {
    assert.equal(await bodyOf(redirect.url), 'private/closed.txt');
  }
  const { url } = await queue.artifact(taskId, 0, 'private/closed.txt');
  assert.equal(await bodyOf(url), 'private/closed.txt');
  assert.equal((await queue.latestArtifact(taskId, 'public/link.txt')).storageType, 's3');
};

/** Task queues, workers, and the words for them that are no longer in use. */
const workers = async (queue) => {
  const expires = taskcluster.fromNowJSON('1 day');
  // The original has given these two up since the client was made.
  const gone = [
    queue.declareProvisioner('journeys', {}),
    queue.declareWorkerType('journeys', 'node-queue', {}),
  ];
  for (const call of gone) assert.match(await refusal(call), /^404 /);
  await queue.declareWorker(...worker, { expires });
  assert.equal((await queue.getProvisioner('journeys')).provisionerId, 'journeys');
  assert.equal((await queue.getWorkerType('journeys', 'node-queue')).workerType, 'node-queue');
  assert.equal((await queue.getTaskQueue(taskQueueId)).taskQueueId, taskQueueId);

  const provisioners = await allPages((query) => queue.listProvisioners(query), 'provisioners');
  assert.ok(provisioners.some(({ provisionerId }) => provisionerId === 'journeys'));
  const types = await allPages((query) => queue.listWorkerTypes('journeys', query), 'workerTypes');
  assert.ok(types.some(({ workerType }) => workerType === 'node-queue'));
  const queues = await allPages((query) => queue.listTaskQueues(query), 'taskQueues');
  assert.ok(queues.some((found) => found.taskQueueId === taskQueueId));
  const isListed = async (quarantined) => {
    const list = (query) => queue.listWorkers('journeys', 'node-queue', { ...query, quarantined });
    return (await allPages(list, 'workers')).some(({ workerId }) => workerId === 'one');
  };

  const quarantineUntil = taskcluster.fromNowJSON('1 hour');
  await queue.quarantineWorker(...worker, { quarantineUntil, quarantineInfo: 'to be looked at' });
  const details = await queue.getWorker(...worker);
  assert.equal(details.quarantineUntil, quarantineUntil);
  assert.equal(details.quarantineDetails[0].quarantineInfo, 'to be looked at');
  assert.deepEqual([await isListed(true), await isListed(false)], [true, false]);
  await queue.quarantineWorker(...worker, { quarantineUntil: taskcluster.fromNowJSON('-1 hour') });
  assert.deepEqual([await isListed(true), await isListed(false)], [false, true]);
};

export const visitQueue = async () => {
  const queue = clientOf('Queue');
  await groups(queue);
  await runs(queue);
  await artifacts(queue);
  await workers(queue);
};
