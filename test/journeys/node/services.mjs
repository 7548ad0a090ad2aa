import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import taskcluster from 'taskcluster-client';
import { allPages, aTask, clientOf, refusal, serviceNames, site } from './site.mjs';

export const visitIndex = async () => {
  const index = clientOf('Index');
  const queue = clientOf('Queue');
  const expires = taskcluster.fromNowJSON('1 day');
  const taskId = taskcluster.slugid();
  await queue.createTask(taskId, aTask('journeys/node-index'));
  const entry = { taskId, rank: 1, data: { of: 'a journey' }, expires };
  for (const path of ['journeys.node-index.a', 'journeys.node-index.b', 'journeys.node-index.c.d']) {
    await index.insertTask(path, entry);
  }
  assert.deepEqual((await index.findTask('journeys.node-index.a')).data, { of: 'a journey' });
  const indexes = ['journeys.node-index.a', 'journeys.node-index.none', 'journeys.node-index.b'];
  const { tasks } = await index.findTasksAtIndex({ indexes });
  assert.deepEqual(tasks.map(({ namespace }) => namespace).sort(), [indexes[0], indexes[2]]);
  const listed = await allPages((query) => index.listTasks('journeys.node-index', query), 'tasks');
  assert.deepEqual(listed.map(({ namespace }) => namespace).sort(), [indexes[0], indexes[2]]);
  const names = (query) => index.listNamespaces('journeys.node-index', query);
  assert.deepEqual(
    (await allPages(names, 'namespaces')).map(({ name }) => name),
    ['c'],
  );
  // A redirect, which clients of this kind do not follow; what it leads to is not there.
  await index.findArtifactFromTask('journeys.node-index.a', 'public/none.txt');
  const url = index.buildUrl(index.findArtifactFromTask, 'journeys.node-index.a', 'public/none.txt');
  assert.equal((await fetch(url)).status, 404);
  await index.deleteTask('journeys.node-index.a');
  assert.equal(await refusal(index.findTask('journeys.node-index.a')), '404 ResourceNotFound');
  await queue.cancelTask(taskId);
};

export const visitHooks = async () => {
  const hooks = clientOf('Hooks');
  const task = {
    taskQueueId: 'journeys/node-hooks',
    payload: {},
    metadata: {
      name: 'by a hook',
      description: '',
      owner: 'nobody@example.com',
      source: 'https://example.com/',
    },
  };
  const hook = {
    metadata: {
      name: 'a hook',
      description: 'Makes a task',
      owner: 'nobody@example.com',
      emailOnError: false,
    },
    schedule: ['0 0 3 * * *'],
    triggerSchema: { type: 'object' },
    task,
  };
  await clientOf('Auth').createRole('hook-id:journeys-node/*', {
    description: 'What the hook may do',
    scopes: [
      'queue:create-task:lowest:journeys/node-hooks',
      'queue:create-task:project:none',
      'queue:scheduler-id:*',
    ],
  });
  await hooks.createHook('journeys-node', 'daily', hook);
  await hooks.updateHook('journeys-node', 'daily', { ...hook, schedule: ['0 0 4 * * *'] });
  assert.deepEqual((await hooks.hook('journeys-node', 'daily')).schedule, ['0 0 4 * * *']);
  assert.ok((await hooks.listHookGroups()).groups.includes('journeys-node'));
  assert.deepEqual(
    (await hooks.listHooks('journeys-node')).hooks.map(({ hookId }) => hookId),
    ['daily'],
  );
  assert.equal((await hooks.getHookStatus('journeys-node', 'daily')).lastFire.result, 'no-fire');

  const { token } = await hooks.getTriggerToken('journeys-node', 'daily');
  const open = clientOf('Hooks', { credentials: {} });
  await open.triggerHookWithToken('journeys-node', 'daily', token, {});
  const { token: next } = await hooks.resetTriggerToken('journeys-node', 'daily');
  assert.equal(
    await refusal(open.triggerHookWithToken('journeys-node', 'daily', token, {})),
    '401 AuthenticationFailed',
  );
  await open.triggerHookWithToken('journeys-node', 'daily', next, {});
  await hooks.triggerHook('journeys-node', 'daily', {});
  const fires = await allPages((query) => hooks.listLastFires('journeys-node', 'daily', query), 'lastFires');
  assert.deepEqual(fires.map(({ firedBy }) => firedBy).sort(), [
    'triggerHook',
    'triggerHookWithToken',
    'triggerHookWithToken',
  ]);
  await hooks.removeHook('journeys-node', 'daily');
  assert.equal(await refusal(hooks.hook('journeys-node', 'daily')), '404 ResourceNotFound');
};

export const visitNotify = async () => {
  const notify = clientOf('Notify', { retries: 0 });
  // What the operator has not configured is refused and says so; messages need no configuration.
  const mail = { address: 'nobody@example.com', subject: 'a subject', content: 'a text' };
  assert.equal(await refusal(notify.email(mail)), '404 ResourceNotFound');
  assert.equal(
    await refusal(notify.matrix({ roomId: '!room:example.com', body: 'a text' })),
    '404 ResourceNotFound',
  );
  assert.equal(
    await refusal(notify.slack({ channelId: 'C0123456789', text: 'a text' })),
    '404 ResourceNotFound',
  );
  await notify.pulse({ routingKey: 'journeys.node', message: { a: 'message' } });

  const addresses = ['one@example.com', 'two@example.com'].map((address) => ({
    notificationType: 'email',
    notificationAddress: address,
  }));
  for (const address of addresses) await notify.addDenylistAddress(address);
  assert.deepEqual(await allPages((query) => notify.listDenylist(query), 'addresses'), addresses);
  for (const address of addresses) await notify.deleteDenylistAddress(address);
  assert.deepEqual((await notify.listDenylist()).addresses, []);
};

export const visitObject = async () => {
  const object = clientOf('Object');
  const name = 'journeys/node/object.txt';
  const content = Buffer.alloc(20_000, 'an object. ');
  await taskcluster.upload({
    object,
    projectId: 'journeys',
    name,
    expires: taskcluster.fromNowJSON('1 day'),
    contentType: 'text/plain',
    contentLength: content.length,
    streamFactory: async () => Readable.from([content]),
  });
  assert.equal((await object.object(name)).projectId, 'journeys');
  const { url } = await object.startDownload(name, { acceptDownloadMethods: { getUrl: true } });
  assert.equal(await (await fetch(url)).text(), content.toString());
  const signed = object.buildSignedUrl(object.download, name);
  assert.equal(await (await fetch(signed)).text(), content.toString());
  await object.download(name);
};

const workerPoolId = 'journeys/node-pool';

const visitPools = async (manager) => {
  const pool = {
    providerId: 'static',
    description: 'a pool',
    owner: 'nobody@example.com',
    emailOnError: false,
    config: { lifecycle: { reregistrationTimeout: 3600 } },
  };
  await manager.createWorkerPool(workerPoolId, pool);
  await manager.updateWorkerPool(workerPoolId, { ...pool, description: 'changed' });
  assert.equal((await manager.workerPool(workerPoolId)).description, 'changed');
  const poolIds = (pools) => pools.map((found) => found.workerPoolId);
  const pools = await allPages((query) => manager.listWorkerPools(query), 'workerPools');
  assert.ok(poolIds(pools).includes(workerPoolId));
  const stats = await allPages((query) => manager.listWorkerPoolsStats(query), 'workerPoolsStats');
  assert.ok(poolIds(stats).includes(workerPoolId));
  const providers = await allPages((query) => manager.listProviders(query), 'providers');
  assert.ok(providers.some(({ providerId }) => providerId === 'static'));
  const configs = (query) => manager.listWorkerPoolLaunchConfigs(workerPoolId, query);
  assert.deepEqual(await allPages(configs, 'workerPoolLaunchConfigs'), []);
};

/** A worker is created, registers, registers again and reports an error. */
const visitWorkers = async (manager) => {
  const staticSecret = taskcluster.slugid() + taskcluster.slugid();
  const worker = {
    expires: taskcluster.fromNowJSON('1 day'),
    capacity: 1,
    providerInfo: { staticSecret },
  };
  await manager.createWorker(workerPoolId, 'node', 'one', worker);
  await manager.updateWorker(workerPoolId, 'node', 'one', { ...worker, capacity: 2 });
  assert.equal((await manager.worker(workerPoolId, 'node', 'one')).capacity, 2);
  assert.ok((await manager.workerPoolStats(workerPoolId)).launchConfigStats);
  const registered = await manager.registerWorker({
    workerPoolId,
    providerId: 'static',
    workerGroup: 'node',
    workerId: 'one',
    workerIdentityProof: { staticSecret },
  });
  const itself = clientOf('WorkerManager', { credentials: registered.credentials });
  const { secret, credentials } = await itself.reregisterWorker({
    workerPoolId,
    workerGroup: 'node',
    workerId: 'one',
    secret: registered.secret,
  });
  assert.ok(secret && credentials.certificate);
  const error = { kind: 'a kind', title: 'a title', description: 'a description', extra: {} };
  await itself.reportWorkerError(workerPoolId, { ...error, workerGroup: 'node', workerId: 'one' });
  const errors = (query) => manager.listWorkerPoolErrors(workerPoolId, query);
  assert.deepEqual(
    (await allPages(errors, 'workerPoolErrors')).map(({ title }) => title),
    ['a title'],
  );
  assert.equal((await manager.workerPoolErrorStats({ workerPoolId })).totals.total, 1);
  return credentials;
};

/** The worker asks for work, so that the queue knows it too. */
const visitWorkersOfQueue = async (manager, credentials) => {
  const queue = clientOf('Queue', { credentials });
  await clientOf('Queue').createTask(taskcluster.slugid(), aTask(workerPoolId));
  const { tasks } = await queue.claimWork(workerPoolId, { workerGroup: 'node', workerId: 'one', tasks: 1 });
  await clientOf('Queue', { credentials: tasks[0].credentials }).reportCompleted(tasks[0].status.taskId, 0);
  const ids = (workers) => workers.map(({ workerId }) => workerId);
  const ofGroup = (query) => manager.listWorkersForWorkerGroup(workerPoolId, 'node', query);
  assert.deepEqual(ids(await allPages(ofGroup, 'workers')), ['one']);
  const ofPool = (query) => manager.listWorkersForWorkerPool(workerPoolId, query);
  assert.deepEqual(ids(await allPages(ofPool, 'workers')), ['one']);
  const known = (query) => manager.listWorkers('journeys', 'node-pool', query);
  assert.deepEqual(ids(await allPages(known, 'workers')), ['one']);
  assert.equal((await manager.getWorker('journeys', 'node-pool', 'node', 'one')).workerId, 'one');
};

export const visitWorkerManager = async () => {
  const manager = clientOf('WorkerManager');
  await visitPools(manager);
  const credentials = await visitWorkers(manager);
  await visitWorkersOfQueue(manager, credentials);
  await manager.removeWorker(workerPoolId, 'node', 'one');
  assert.equal((await manager.worker(workerPoolId, 'node', 'one')).state, 'stopped');
  await manager.deleteWorkerPool(workerPoolId);
};

export const visitSecrets = async () => {
  const secrets = clientOf('Secrets');
  const expires = taskcluster.fromNowJSON('1 day');
  const names = ['journeys/node/one', 'journeys/node/two'];
  for (const name of names) await secrets.set(name, { secret: { word: name }, expires });
  assert.deepEqual((await secrets.get(names[0])).secret, { word: names[0] });
  const listed = await allPages((query) => secrets.list(query), 'secrets');
  assert.deepEqual(
    listed.filter((name) => names.includes(name)),
    names,
  );
  for (const name of names) await secrets.remove(name);
  assert.equal(await refusal(secrets.get(names[0])), '404 ResourceNotFound');
};

export const visitPurgeCache = async () => {
  const purgeCache = clientOf('PurgeCache');
  const workerPoolId = 'journeys/node-caches';
  for (const cacheName of ['one', 'two']) await purgeCache.purgeCache(workerPoolId, { cacheName });
  const cacheNames = (requests) => requests.map(({ cacheName }) => cacheName).sort();
  const { requests } = await purgeCache.purgeRequests(workerPoolId, {
    since: taskcluster.fromNowJSON('-1 hour'),
  });
  assert.deepEqual(cacheNames(requests), ['one', 'two']);
  const all = await allPages((query) => purgeCache.allPurgeRequests(query), 'requests');
  assert.deepEqual(cacheNames(all.filter(({ workerType }) => workerType === 'node-caches')), ['one', 'two']);
};

/** The platform that is visited has no GitHub app: what needs one says so, and everything else answers. */
export const visitGithub = async () => {
  const github = clientOf('Github');
  assert.deepEqual(await github.builds({ organization: 'nobody' }), { builds: [] });
  const badge = await fetch(github.buildSignedUrl(github.badge, 'nobody', 'app', 'main'));
  assert.deepEqual([badge.status, badge.headers.get('content-type')], [200, 'image/svg+xml; charset=utf-8']);
  assert.match(await badge.text(), /no builds/);
  await github.badge('nobody', 'app', 'main');
  const file =
    'version: 1\ntasks: [{taskQueueId: "journeys/github", payload: {}, metadata: {name: {$eval: tasks_for}}}]';
  const fakeEvent = { type: 'github-push' };
  assert.equal(await refusal(github.renderTaskclusterYml({ body: file, fakeEvent })), '400 InputError');
  const rendered = await github.renderTaskclusterYml({ body: 'version: 1', fakeEvent });
  assert.deepEqual([rendered.tasks, rendered.scopes.length], [[], 3]);
  const refused = [
    () => github.githubWebHookConsumer(),
    () => github.cancelBuilds('nobody', 'app', { pullRequest: 1 }),
    () => github.repository('nobody', 'app'),
    () => github.latest('nobody', 'app', 'main'),
    () => github.createStatus('nobody', 'app', 'a'.repeat(40), { state: 'success' }),
    () => github.createComment('nobody', 'app', 1, { body: 'Hello' }),
  ];
  for (const call of refused) assert.equal(await refusal(call()), '404 ResourceNotFound');
};

/** What every service has, and clients that speak to several deployments. */
export const visitEveryService = async () => {
  for (const name of serviceNames) {
    const service = clientOf(name, { credentials: {} });
    assert.equal((await service.ping()).alive, true, name);
    await service.lbheartbeat();
    await service.heartbeat();
    assert.ok((await service.version()).version, name);
  }
  const elsewhere = new taskcluster.Auth({ rootUrl: 'http://127.0.0.1:9', credentials: {}, retries: 0 });
  await assert.rejects(elsewhere.ping());
  assert.equal((await elsewhere.use({ rootUrl: `${site.rootUrl}/` }).ping()).alive, true);
  const { exchange, routingKeyPattern } = new taskcluster.QueueEvents({
    rootUrl: site.rootUrl,
  }).taskCompleted({
    taskQueueId: 'ignored',
    workerType: 'node',
  });
  assert.equal(exchange, 'exchange/taskcluster-queue/v1/task-completed');
  assert.match(routingKeyPattern, /^primary\..*\.node\./);
};
