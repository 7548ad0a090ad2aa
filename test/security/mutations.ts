import { slugid } from '@taskyard/client';
import type { Site } from './site.ts';
import { aTask, aWorld, hourFromNow, type World } from './world.ts';

/** A call of a method that changes something, and what its caller must hold. */
export interface Mutation {
  /** Values of the parameters in the path. */
  readonly values?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Each of these; of several that stand together, any one. */
  readonly needs: readonly (string | readonly string[])[];
}

/** Methods that ask for no scope, and what they ask for instead. */
export const openMutations: Readonly<Record<string, string>> = {
  'auth.authenticateHawk': 'nothing: it judges a signature, and changes nothing',
  'auth.testAuthenticate': 'the scopes that its body names, and changes nothing',
  'worker-manager.registerWorker': 'a proof of identity',
  'hooks.triggerHookWithToken': 'the token of the hook',
  'github.githubWebHookConsumer': 'the signature of GitHub',
  'github.renderTaskclusterYml': 'nothing: it shows what a file would make, and changes nothing',
  'sessions.signIn': 'a code',
  'sessions.describeThirdParty': 'the cookie of a session, and changes nothing',
  'sessions.admitThirdParty': 'the cookie of a session',
  'web-server.exchangeCode': 'a code that a person gave to a site',
  'sessions.renewCredentials': 'the cookie of a session',
  'sessions.signOut': 'the cookie of a session, which it ends',
};

const client = () => ({ description: '', expires: hourFromNow(1), scopes: ['held:a'] });
const role = { description: '', scopes: ['held:a'] };
const pool = {
  providerId: 'static',
  description: '',
  owner: 'a@example.com',
  emailOnError: false,
  config: {},
};
const staticSecret = 'S'.repeat(44);
const worker = () => ({ expires: hourFromNow(9), providerInfo: { staticSecret } });
const hook = {
  metadata: { name: 'a hook', description: '', owner: 'a@example.com' },
  task: { $json: 'nothing' },
};
const upload = (uploadId: string) => ({
  projectId: 'secure',
  uploadId,
  expires: hourFromNow(1),
  proposedUploadMethods: {
    dataInline: { contentType: 'text/plain', objectData: Buffer.from('bytes').toString('base64') },
  },
});
const indexed = (taskId = slugid()) => ({ taskId, rank: 1, data: {}, expires: hourFromNow(1) });

/** Makes more of what methods act on: a hook, a pool with a worker, an object, a path in the index, a sealed group. */
export const aFullWorld = async (site: Site): Promise<World> => {
  const world = await aWorld(site);
  const [open, line, sealedGroupId, inSealed, graphId, uploadId, openUploadId] = Array.from(
    { length: 7 },
    slugid,
  ) as [string, string, string, string, string, string, string];
  await site.prepare('PUT', `/api/queue/v1/task/${open}`, aTask({ taskQueueId: 'secure/open' }));
  await site.prepare('PUT', `/api/queue/v1/task/${line}`, aTask({ taskQueueId: 'secure/line' }));
  await site.prepare('PUT', `/api/queue/v1/task/${inSealed}`, aTask({ taskGroupId: sealedGroupId }));
  await site.prepare('POST', `/api/queue/v1/task-group/${sealedGroupId}/seal`);
  await site.prepare('PUT', '/api/hooks/v1/hooks/secure/hook', hook);
  await site.prepare('PUT', '/api/worker-manager/v1/worker-pool/secure%2Fpool', pool);
  await site.prepare('PUT', '/api/worker-manager/v1/workers/secure%2Fpool/secure/there', worker());
  const registered = await site.prepare('POST', '/api/worker-manager/v1/worker/register', {
    workerPoolId: 'secure/pool',
    workerGroup: 'secure',
    workerId: 'there',
    providerId: 'static',
    workerIdentityProof: { staticSecret },
  });
  await site.prepare('PUT', '/api/index/v1/task/secure.there', indexed());
  await site.prepare('PUT', '/api/object/v1/upload/secure%2Fdone', upload(uploadId));
  await site.prepare('POST', '/api/object/v1/finish-upload/secure%2Fdone', {
    projectId: 'secure',
    uploadId,
  });
  await site.prepare('PUT', '/api/object/v1/upload/secure%2Fopen', upload(openUploadId));
  await site.prepare('PUT', `/api/scheduler/v1/task-graph/${graphId}`, graph());
  return {
    ...world,
    open,
    line,
    sealedGroupId,
    graphId,
    openUploadId,
    workerSecret: String(registered.body.secret),
  };
};

const graphTask = () => aTask({ schedulerId: 'task-graph-scheduler' });
const graph = (scopes: readonly string[] = ['*']) => ({
  scopes,
  tasks: [{ taskId: slugid(), task: graphTask() }],
  metadata: { name: 'a graph', description: '', owner: 'a@example.com', source: 'https://example.com/' },
});

const createScopes = [
  'queue:create-task:project:secure',
  'queue:scheduler-id:secure',
  'queue:create-task:lowest:secure/tasks',
];

const authMutations = ({ clientId = '', roleId = '' }: World): Record<string, Mutation> => ({
  'auth.createClient': {
    values: { clientId: 'new' },
    body: client(),
    needs: ['auth:create-client:new', 'held:a'],
  },
  'auth.updateClient': {
    values: { clientId },
    body: client(),
    needs: [`auth:update-client:${clientId}`, 'held:a'],
  },
  'auth.resetAccessToken': { values: { clientId }, needs: [`auth:reset-access-token:${clientId}`] },
  'auth.enableClient': { values: { clientId }, needs: [`auth:enable-client:${clientId}`] },
  'auth.disableClient': { values: { clientId }, needs: [`auth:disable-client:${clientId}`] },
  'auth.createRole': { values: { roleId: 'new' }, body: role, needs: ['auth:create-role:new', 'held:a'] },
  'auth.updateRole': { values: { roleId }, body: role, needs: [`auth:update-role:${roleId}`, 'held:a'] },
  'auth.expandScopes': { body: { scopes: [] }, needs: ['auth:expand-scopes'] },
  'auth.githubRepoToken': {
    values: { appName: 'robot', owner: 'company' },
    body: { repositories: ['repo'], permissions: { contents: 'read' } },
    needs: ['auth:github-repo-token:robot/company/repo:contents:read'],
  },
  'auth.deleteClient': { values: { clientId }, needs: [`auth:delete-client:${clientId}`] },
  'auth.deleteRole': { values: { roleId }, needs: [`auth:delete-role:${roleId}`] },
});

const githubMutations = (): Record<string, Mutation> => {
  const ofRepository = { owner: 'company', repo: 'app' };
  return {
    'github.cancelBuilds': { values: ofRepository, needs: ['github:cancel-builds:company:app'] },
    'github.createStatus': {
      values: { ...ofRepository, sha: 'a'.repeat(40) },
      body: { state: 'success' },
      needs: ['github:create-status:company/app'],
    },
    'github.createComment': {
      values: { ...ofRepository, number: '1' },
      body: { body: 'Hello' },
      needs: ['github:create-comment:company/app'],
    },
  };
};

const me = { workerGroup: 'secure', workerId: 'one' };

const taskMutations = (world: World): Record<string, Mutation> => {
  const { taskGroupId = '', open = '', sealedGroupId = '' } = world;
  const ofTask = (verb: string): Mutation => ({
    values: { taskId: open },
    needs: [[`queue:${verb}:secure/${open}/${open}`, `queue:${verb}-in-project:secure`, `queue:${verb}`]],
  });
  return {
    'queue.tasks': { body: { taskIds: [open] }, needs: [`queue:get-task:${open}`] },
    'queue.statuses': { body: { taskIds: [open] }, needs: [`queue:status:${open}`] },
    'queue.taskQueueCountsBatch': {
      body: { taskQueueIds: ['secure/tasks'] },
      needs: ['queue:pending-count:secure/tasks', 'queue:claimed-count:secure/tasks'],
    },
    'queue.createTask': { values: { taskId: slugid() }, body: aTask(), needs: createScopes },
    'queue.createTaskGroupTasks': {
      values: { taskGroupId: slugid() },
      body: { tasks: [{ taskId: slugid(), task: aTask() }] },
      needs: createScopes,
    },
    'queue.scheduleTask': ofTask('schedule-task'),
    'queue.changeTaskPriority': {
      values: { taskId: open },
      body: { newPriority: 'low' },
      needs: [[`queue:change-task-priority:${open}`, 'queue:change-task-priority-in-queue:secure/open']],
    },
    'queue.claimWork': {
      values: { taskQueueId: 'secure/line' },
      body: { ...me, tasks: 1 },
      needs: ['queue:claim-work:secure/line', 'queue:worker-id:secure/one'],
    },
    'queue.claimTask': {
      values: { taskId: open, runId: '0' },
      body: me,
      needs: ['queue:claim-task:secure/open', 'queue:worker-id:secure/one'],
    },
    'queue.rerunTask': ofTask('rerun-task'),
    'queue.cancelTask': ofTask('cancel-task'),
    'queue.sealTaskGroup': {
      values: { taskGroupId },
      needs: [`queue:seal-task-group:secure/${taskGroupId}`],
    },
    'queue.changeTaskGroupPriority': {
      values: { taskGroupId },
      body: { newPriority: 'low' },
      needs: [`queue:change-task-group-priority:secure/${taskGroupId}`],
    },
    'queue.rerunTaskGroup': {
      values: { taskGroupId },
      needs: [`queue:rerun-task-group:secure/${taskGroupId}`],
    },
    'queue.cancelTaskGroup': {
      values: { taskGroupId: sealedGroupId },
      needs: [`queue:cancel-task-group:secure/${sealedGroupId}`],
    },
  };
};

const manyArtifacts = () => ({
  artifacts: [
    {
      name: 'public/many',
      artifact: { storageType: 's3', contentType: 'text/plain', expires: hourFromNow(1) },
      content: { base64: '', sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
    },
  ],
});

const runMutations = ({ taskId = '', runId = '' }: World): Record<string, Mutation> => {
  const running = { taskId, runId };
  const resolve = { values: running, needs: [`queue:resolve-task:${taskId}/0`] };
  const seen = { provisionerId: 'secure', workerType: 'tasks', ...me };
  const inParts = {
    values: { ...running, name: 'public/parts' },
    needs: [`queue:create-artifact:${taskId}/0`],
  };
  return {
    'queue.reclaimTask': { values: running, needs: [`queue:reclaim-task:${taskId}/0`] },
    'queue.createArtifact': {
      values: { ...running, name: 'public/a' },
      body: {
        storageType: 'reference',
        contentType: 'text/plain',
        url: 'https://example.com/',
        expires: hourFromNow(1),
      },
      needs: [`queue:create-artifact:${taskId}/0`],
    },
    'queue.awaitLostRuns': {
      values: { taskQueueId: 'secure/line' },
      // It is held by nobody, so the call does not wait.
      body: { ...me, runs: [{ taskId: slugid(), runId: 0 }] },
      needs: ['queue:claim-work:secure/line', 'queue:worker-id:secure/one'],
    },
    'queue.createArtifacts': {
      values: running,
      body: manyArtifacts(),
      needs: [`queue:create-artifact:${taskId}/0`],
    },
    'queue.finishArtifact': {
      values: { ...running, name: 'public/a' },
      body: { uploadId: slugid() },
      needs: [`queue:create-artifact:${taskId}/0`],
    },
    // Refused as such to callers with the scopes: the artifacts of the site are not in a bucket.
    'queue.createArtifactInParts': {
      ...inParts,
      body: { expires: hourFromNow(1), contentType: 'text/plain', contentLength: 1 },
    },
    'queue.finishArtifactInParts': { ...inParts, body: { uploadId: 'a', contentLength: 1, etags: ['a'] } },
    'queue.reportCompleted': resolve,
    'queue.reportFailed': resolve,
    'queue.reportRuns': {
      values: { taskQueueId: 'secure/tasks' },
      // Each report is refused by itself, since nothing of it is signed.
      body: { reports: [{ ...running, runId: Number(runId), state: 'completed', authorization: 'Hawk' }] },
      needs: ['queue:claim-work:secure/tasks'],
    },
    'queue.reportException': { ...resolve, body: { reason: 'internal-error' } },
    'queue.quarantineWorker': {
      values: seen,
      body: { quarantineUntil: hourFromNow(1) },
      needs: ['queue:quarantine-worker:secure/tasks/secure/one'],
    },
    'queue.declareWorker': {
      values: seen,
      body: { expires: hourFromNow(1) },
      needs: ['queue:declare-worker:secure/tasks/secure/one#expires'],
    },
  };
};

const objectMutations = ({ openUploadId = '' }: World): Record<string, Mutation> => ({
  'object.createUpload': {
    values: { name: 'secure/new' },
    body: upload(slugid()),
    needs: ['object:upload:secure:secure/new'],
  },
  'object.finishUpload': {
    values: { name: 'secure/open' },
    body: { projectId: 'secure', uploadId: openUploadId },
    needs: ['object:upload:secure:secure/open'],
  },
  'object.startDownload': {
    values: { name: 'secure/done' },
    body: { acceptDownloadMethods: { simple: true } },
    needs: ['object:download:secure/done'],
  },
});

const graphScopes = [
  'queue:create-task:project:secure',
  'queue:scheduler-id:task-graph-scheduler',
  'queue:create-task:lowest:secure/tasks',
];

const graphMutations = ({ graphId = '' }: World): Record<string, Mutation> => ({
  'scheduler.createTaskGraph': {
    values: { taskGraphId: slugid() },
    body: graph(graphScopes),
    needs: ['scheduler:create-task-graph', ...graphScopes],
  },
  'scheduler.extendTaskGraph': {
    values: { taskGraphId: graphId },
    body: { tasks: [{ taskId: slugid(), task: graphTask() }] },
    needs: [`scheduler:extend-task-graph:${graphId}`],
  },
});

const notifyMutations = (): Record<string, Mutation> => {
  const address = { notificationType: 'email', notificationAddress: 'a@example.com' };
  return {
    'notify.email': {
      body: { address: 'a@example.com', subject: 'x', content: 'x' },
      needs: ['notify:email:a@example.com'],
    },
    'notify.pulse': { body: { routingKey: 'secure.a', message: {} }, needs: ['notify:pulse:secure.a'] },
    'notify.matrix': { body: { roomId: '!a:b', body: 'x' }, needs: ['notify:matrix-room:!a:b'] },
    'notify.slack': { body: { channelId: 'C1', text: 'x' }, needs: ['notify:slack-channel:C1'] },
    'notify.addDenylistAddress': { body: address, needs: ['notify:manage-denylist'] },
    'notify.deleteDenylistAddress': { body: address, needs: ['notify:manage-denylist'] },
  };
};

const indexMutations = (): Record<string, Mutation> => ({
  'index.findTasksAtIndex': { body: { indexes: ['secure.there'] }, needs: ['index:find-task:secure.there'] },
  'index.listNamespacesByPost': {
    values: { namespace: 'secure' },
    body: {},
    needs: ['index:list-namespaces:secure'],
  },
  'index.listRootNamespacesByPost': { body: {}, needs: ['index:list-namespaces:'] },
  'index.listRootTasksByPost': { needs: ['index:list-tasks:'] },
  'index.listTasksByPost': { values: { namespace: 'secure' }, body: {}, needs: ['index:list-tasks:secure'] },
  'index.insertTask': {
    values: { namespace: 'secure.new' },
    body: indexed(),
    needs: ['index:insert-task:secure.new'],
  },
  'index.deleteTask': { values: { namespace: 'secure.there' }, needs: ['index:delete-task:secure.there'] },
});

const poolMutations = ({ workerSecret = '' }: World): Record<string, Mutation> => {
  const there = { workerGroup: 'secure', workerId: 'there' };
  const values = { workerPoolId: 'secure/pool', ...there };
  const ofWorker = (verb: string, id = 'there') => [`worker-manager:${verb}:secure/pool/secure/${id}`];
  const manage = (id: string) => [`worker-manager:manage-worker-pool:secure/${id}`];
  return {
    'worker-manager.createWorkerPool': {
      values: { workerPoolId: 'secure/new' },
      body: pool,
      needs: [...manage('new'), 'worker-manager:provider:static'],
    },
    'worker-manager.updateWorkerPool': {
      values,
      body: pool,
      needs: [...manage('pool'), 'worker-manager:provider:static'],
    },
    'worker-manager.pauseWorkerPool': { values, body: { reason: 'a' }, needs: manage('pool') },
    'worker-manager.resumeWorkerPool': { values, needs: manage('pool') },
    'worker-manager.reportWorkerError': {
      values,
      body: { ...there, kind: 'a', title: 'a', description: 'a', extra: {} },
      needs: ['assume:worker-pool:secure/pool', 'assume:worker-id:secure/there'],
    },
    'worker-manager.createWorker': {
      values: { ...values, workerId: 'new' },
      body: worker(),
      needs: ofWorker('create-worker', 'new'),
    },
    'worker-manager.updateWorker': { values, body: worker(), needs: ofWorker('update-worker') },
    'worker-manager.reregisterWorker': {
      body: { workerPoolId: 'secure/pool', ...there, secret: workerSecret },
      needs: ofWorker('reregister-worker'),
    },
    'worker-manager.drainWorker': { values, needs: ofWorker('remove-worker') },
    'worker-manager.removeWorker': { values, needs: ofWorker('remove-worker') },
    'worker-manager.deleteWorkerPool': { values, needs: manage('pool') },
  };
};

const hookMutations = (): Record<string, Mutation> => {
  const values = { hookGroupId: 'secure', hookId: 'hook' };
  const modify = (id: string) => [`hooks:modify-hook:secure/${id}`, `assume:hook-id:secure/${id}`];
  return {
    'hooks.createHook': { values: { ...values, hookId: 'new' }, body: hook, needs: modify('new') },
    'hooks.updateHook': { values, body: hook, needs: modify('hook') },
    'hooks.triggerHook': { values, body: {}, needs: ['hooks:trigger-hook:secure/hook'] },
    'hooks.resetTriggerToken': { values, needs: ['hooks:reset-trigger-token:secure/hook'] },
    'hooks.removeHook': { values, needs: modify('hook').slice(0, 1) },
  };
};

const secretAndCacheMutations = (): Record<string, Mutation> => ({
  'secrets.set': {
    values: { name: 'secure/new' },
    body: { secret: { a: 1 }, expires: hourFromNow(1) },
    needs: ['secrets:set:secure/new'],
  },
  'secrets.remove': { values: { name: 'secure/new' }, needs: ['secrets:set:secure/new'] },
  'purge-cache.purgeCache': {
    values: { workerPoolId: 'secure/pool' },
    body: { cacheName: 'a' },
    needs: ['purge-cache:secure/pool:a'],
  },
});

const sessionMutations = (): Record<string, Mutation> => ({
  'sessions.createSignInCode': { needs: ['sessions:sign-in'] },
});

/** A sound call of each method that changes something, by title; those that take things away come last. */
export const mutationsIn = (world: World): Readonly<Record<string, Mutation>> => ({
  ...taskMutations(world),
  ...runMutations(world),
  ...objectMutations(world),
  ...graphMutations(world),
  ...notifyMutations(),
  ...indexMutations(),
  ...poolMutations(world),
  ...hookMutations(),
  ...secretAndCacheMutations(),
  ...sessionMutations(),
  ...authMutations(world),
  ...githubMutations(),
});
