import assert from 'node:assert/strict';
import {
  Auth,
  type ClientOptions,
  Hooks,
  Index,
  ObjectService,
  PurgeCache,
  Queue,
  Secrets,
  slugid,
  WorkerManager,
} from '@taskyard/client';

const expires = '2099-01-01T00:00:00.000Z';

/** Things of one kind that are known by names: each is kept with a text of its own. */
export interface Kind {
  /** Names that are like the fixed words of the routes of this kind. */
  readonly names: readonly string[];
  put(name: string, mark: string): Promise<unknown>;
  /** The text that is kept under a name. */
  get(name: string): Promise<unknown>;
  list?(): Promise<string[]>;
  remove?(name: string): Promise<unknown>;
}

const metadata = { name: 'named', description: '', owner: 'nobody@example.com', emailOnError: false };
const aTask = (taskQueueId: string) => ({
  taskQueueId,
  created: new Date().toJSON(),
  deadline: new Date(Date.now() + 3_600_000).toJSON(),
  payload: {},
  metadata: { name: 'named', description: '', owner: 'nobody@example.com', source: 'https://example.com/' },
});

/** Splits a name at its first slash. */
const partsOf = (name: string) => {
  const slash = name.indexOf('/');
  return [name.slice(0, slash), name.slice(slash + 1)] as const;
};

const anEntryOfTheIndex = (server: ClientOptions): Kind => {
  const index = new Index(server);
  return {
    names: ['indexes.a', 'indexes', 'tasks.indexes', 'list', 'token.stats', 'namespaces', 'a.artifacts.b'],
    put: (name, text) => index.insertTask(name, { taskId: slugid(), rank: 1, data: { text }, expires }),
    get: async (name) => (await index.findTask(name)).data.text,
    list: async () => {
      const namespaces = ['', 'indexes', 'tasks', 'token', 'a.artifacts'];
      const pages = await Promise.all(namespaces.map((namespace) => index.listTasks(namespace, {})));
      return pages.flatMap(({ tasks }) => tasks.map(({ namespace }) => namespace));
    },
    remove: (name) => index.deleteTask(name),
  };
};

const hookWords = ['list', 'token', 'trigger', 'status', 'last-fires', 'bindings', 'hooks'];

const aHook = (server: ClientOptions): Kind => {
  const hooks = new Hooks(server);
  return {
    names: [
      ...hookWords.map((word) => `${word}/${word}`),
      ...hookWords.map((word) => `named/a/${word}`),
      'named/a',
      'named/trigger/a',
      'named/a/trigger/token',
    ],
    put: (name, description) =>
      hooks.createHook(...partsOf(name), {
        metadata: { ...metadata, description },
        task: aTask('named/hooks'),
      }),
    get: async (name) => (await hooks.hook(...partsOf(name))).metadata.description,
    list: async () => {
      const { groups } = await hooks.listHookGroups();
      const all = await Promise.all(groups.map((group) => hooks.listHooks(group)));
      return all.flatMap((page) => page.hooks.map(({ hookGroupId, hookId }) => `${hookGroupId}/${hookId}`));
    },
    remove: (name) => hooks.removeHook(...partsOf(name)),
  };
};

const aSecret = (server: ClientOptions): Kind => {
  const secrets = new Secrets(server);
  return {
    names: ['list', 'secret', 'secrets', 'ping', '__heartbeat__', 'secret/secrets', 'stats/list'],
    put: (name, text) => secrets.set(name, { secret: { text }, expires }),
    get: async (name) => (await secrets.get(name)).secret.text,
    list: async () => (await secrets.list({})).secrets,
    remove: (name) => secrets.remove(name),
  };
};

const aClient = (server: ClientOptions): Kind => {
  const auth = new Auth(server);
  return {
    names: ['reset', 'audit', 'clients', 'a', 'a/reset', 'a/enable', 'a/disable', 'a/audit', 'current'],
    put: (name, description) => auth.createClient(name, { description, expires, scopes: [] }),
    get: async (name) => (await auth.client(name)).description,
    list: async () => (await auth.listClients({})).clients.map(({ clientId }) => clientId),
    remove: (name) => auth.deleteClient(name),
  };
};

const aRole = (server: ClientOptions): Kind => {
  const auth = new Auth(server);
  return {
    names: ['list', 'roles', 'roles2', 'roleids', 'role/roleids', 'current', 'expand'],
    put: (name, description) => auth.createRole(name, { description, scopes: [] }),
    get: async (name) => (await auth.role(name)).description,
    list: async () => (await auth.listRoleIds({})).roleIds,
    remove: (name) => auth.deleteRole(name),
  };
};

const aWorkerPool = (server: ClientOptions): Kind => {
  const manager = new WorkerManager(server);
  const { owner, emailOnError } = metadata;
  return {
    names: ['list/stats', 'worker-pools/stats', 'a/stats', 'a/errors', 'a/launch-configs', 'stats/workers'],
    put: (name, description) => {
      const pool = { owner, emailOnError, description, providerId: 'static', config: {} };
      return manager.createWorkerPool(name, pool);
    },
    get: async (name) => {
      // Methods whose paths go on behind the name of the pool.
      assert.deepEqual((await manager.workerPoolStats(name)).launchConfigStats, []);
      assert.deepEqual((await manager.listWorkerPoolLaunchConfigs(name, {})).workerPoolLaunchConfigs, []);
      assert.deepEqual((await manager.listWorkersForWorkerPool(name, {})).workers, []);
      return (await manager.workerPool(name)).description;
    },
    list: async () => {
      const stats = (await manager.listWorkerPoolsStats({})).workerPoolsStats;
      const { workerPools } = await manager.listWorkerPools({});
      const ids = workerPools.map(({ workerPoolId = '' }) => workerPoolId);
      assert.deepEqual(
        stats.map(({ workerPoolId }) => workerPoolId),
        ids,
      );
      return ids;
    },
  };
};

const aPurgeRequest = (server: ClientOptions): Kind => {
  const purgeCache = new PurgeCache(server);
  return {
    names: ['list/list', 'purge-cache/list', 'list/purge-cache'],
    put: (name, cacheName) => purgeCache.purgeCache(name, { cacheName }),
    get: async (name) => (await purgeCache.purgeRequests(name, {})).requests[0]?.cacheName,
    list: async () =>
      (await purgeCache.allPurgeRequests({})).requests.map(
        ({ provisionerId, workerType }) => `${provisionerId}/${workerType}`,
      ),
  };
};

const aTaskQueue = (server: ClientOptions): Kind => {
  const queue = new Queue(server);
  return {
    names: ['counts/pending', 'task-queues/counts', 'pending/claimed', 'a/workers', 'list/provisioners'],
    put: async (name, workerId) => {
      await queue.createTask(slugid(), aTask(name));
      const worker = { workerGroup: 'named', workerId, tasks: 1 };
      assert.equal((await queue.claimWork(name, worker)).tasks.length, 1);
    },
    get: async (name) => {
      assert.equal((await queue.getTaskQueue(name)).taskQueueId, name);
      assert.equal((await queue.taskQueueCounts(name)).claimedTasks, 1);
      assert.equal((await queue.pendingTasks(name)).pendingTasks, 0);
      assert.deepEqual((await queue.listPendingTasks(name, {})).tasks, []);
      return (await queue.listClaimedTasks(name, {})).tasks[0]?.workerId;
    },
    list: async () => (await queue.listTaskQueues({})).taskQueues.map(({ taskQueueId }) => taskQueueId),
  };
};

const anArtifact = (server: ClientOptions): Kind => {
  const queue = new Queue(server);
  const taskId = slugid();
  const run = async () => {
    await queue.createTask(taskId, aTask('named/artifacts'));
    await queue.claimTask(taskId, 0, { workerGroup: 'named', workerId: 'one' });
  };
  let running: Promise<void> | undefined;
  const about = { storageType: 'error', reason: 'file-missing-on-worker' } as const;
  return {
    names: ['artifacts', 'a/artifacts', 'runs/0/artifacts/a', 'completed', 'a/', '/a', 'a%2Fartifacts'],
    put: async (name, message) => {
      running ??= run();
      await running;
      const until = new Date(Date.now() + 3_600_000).toJSON();
      await queue.createArtifact(taskId, 0, name, { ...about, message, expires: until });
    },
    get: async (name) => {
      assert.equal((await queue.latestArtifactInfo(taskId, name)).name, name);
      return ((await queue.artifact(taskId, 0, name)) as { readonly message?: string }).message;
    },
    list: async () => (await queue.listArtifacts(taskId, 0, {})).artifacts.map(({ name }) => name),
  };
};

const anObject = (server: ClientOptions): Kind => {
  const objects = new ObjectService(server);
  const projectId = 'named';
  return {
    names: ['upload/a', 'metadata/a', 'download/a', 'a/finish-upload', 'a', 'a/', 'start-download/list'],
    put: async (name, text) => {
      const uploadId = slugid();
      const objectData = Buffer.from(text).toString('base64');
      const proposedUploadMethods = { dataInline: { contentType: 'text/plain', objectData } };
      await objects.createUpload(name, { projectId, uploadId, expires, proposedUploadMethods });
      await objects.finishUpload(name, { projectId, uploadId });
    },
    get: async (name) => {
      assert.equal((await objects.object(name)).projectId, projectId);
      const { url } = await objects.startDownload(name, { acceptDownloadMethods: { getUrl: true } });
      return (await fetch(url)).text();
    },
  };
};

/** All that is known by names on a server, by what it is called. */
export const kindsOn = (server: ClientOptions): Readonly<Record<string, Kind>> => ({
  'an entry of the index': anEntryOfTheIndex(server),
  'a hook': aHook(server),
  'a secret': aSecret(server),
  'a client': aClient(server),
  'a role': aRole(server),
  'a worker pool': aWorkerPool(server),
  'a purge request': aPurgeRequest(server),
  'a task queue': aTaskQueue(server),
  'an artifact': anArtifact(server),
  'an object': anObject(server),
});
