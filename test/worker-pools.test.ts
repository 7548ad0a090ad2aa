import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { Queue, slugid, WorkerManager } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { commandHere } from './support/command-here.ts';
import { aHome, type Platform } from './support/platform.ts';

const workerPoolId = 'local/on-demand';
const maxCapacity = 4;

const commandLines = async (): Promise<string[]> => {
  if (process.platform !== 'linux') {
    const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'args=']);
    return stdout.split('\n');
  }
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
};

/** How many processes of workers there are whose files lie in this folder. */
const countProcesses = async (folder: string): Promise<number> =>
  (await commandLines()).filter((line) => line.includes('local-worker') && line.includes(folder)).length;

/** A platform with what its clients ask it in this test. */
const asked = ({ rootUrl, credentials }: Platform) => {
  const manager = new WorkerManager({ rootUrl, credentials });
  const queue = new Queue({ rootUrl, credentials });
  return {
    queue,
    manager,
    alive: async () => {
      const { workers } = await manager.listWorkersForWorkerPool(workerPoolId);
      return workers.filter(({ state }) => state !== 'stopped');
    },
  };
};

const definition = {
  providerId: 'local',
  description: 'Workers of this test',
  owner: 'test@example.com',
  emailOnError: false,
  config: {
    minCapacity: 0,
    maxCapacity,
    launchConfigs: [
      {
        workerManager: { launchConfigId: 'small', capacityPerInstance: 2 },
        workerConfig: { taskyard: { idleTimeoutSeconds: 1 } },
      },
    ],
  },
};

const aTask = (taskQueueId: string) => ({
  taskQueueId,
  created: new Date().toJSON(),
  deadline: new Date(Date.now() + 3_600_000).toJSON(),
  payload: { command: [['sleep', '0.5']], maxRunTime: 60 },
  metadata: { name: 'sleep', description: '', owner: 'test@example.com', source: 'https://example.com/' },
});

const createTasks = async (queue: Queue, count: number, taskQueueId = workerPoolId): Promise<string[]> => {
  const taskIds = Array.from({ length: count }, () => slugid());
  await Promise.all(taskIds.map((taskId) => queue.createTask(taskId, aTask(taskQueueId))));
  return taskIds;
};

const statesOf = (queue: Queue, taskIds: readonly string[]): Promise<string[]> =>
  Promise.all(taskIds.map(async (taskId) => (await queue.status(taskId)).status.state));

/** A worker that waits for work, and is removed meanwhile. */
const assertRemovedGetsNothing = async (platform: Platform): Promise<void> => {
  const { rootUrl } = platform;
  const taskQueueId = 'static/one';
  const { queue, manager } = asked(platform);
  const [workerGroup, workerId, staticSecret] = ['group', 'worker', 's'.repeat(44)];
  const pool = {
    providerId: 'static',
    description: '',
    owner: 'o@example.com',
    emailOnError: false,
    config: {},
  };
  await manager.createWorkerPool(taskQueueId, pool);
  const expires = new Date(Date.now() + 3_600_000).toJSON();
  await manager.createWorker(taskQueueId, workerGroup, workerId, { expires, providerInfo: { staticSecret } });
  const { credentials: own } = await manager.registerWorker({
    ...{ workerPoolId: taskQueueId, providerId: 'static', workerGroup, workerId },
    workerIdentityProof: { staticSecret },
  });
  const worker = new Queue({ rootUrl, credentials: own });
  const waiting = worker.claimWork(taskQueueId, { tasks: 1, workerGroup, workerId });
  await eventually('the worker to be seen', async () => {
    const { workers } = await queue.listWorkers('static', 'one');
    return workers.length > 0;
  });
  await manager.removeWorker(taskQueueId, workerGroup, workerId);
  await eventually('its credentials to be refused', () =>
    worker.pendingTasks(taskQueueId).then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  const [taskId = ''] = await createTasks(queue, 1, taskQueueId);
  assert.deepEqual((await waiting).tasks, []);
  assert.deepEqual(await statesOf(queue, [taskId]), ['pending']);
};

/** The command line drains the worker of a pool: a name that nobody has is refused, and the worker ends. */
const assertDrained = async (platform: Platform, poolId: string): Promise<void> => {
  const { rootUrl, credentials } = platform;
  const { manager } = asked(platform);
  const env = {
    TASKCLUSTER_ROOT_URL: rootUrl,
    TASKCLUSTER_CLIENT_ID: credentials.clientId,
    TASKCLUSTER_ACCESS_TOKEN: credentials.accessToken,
  };
  const running = async () => (await manager.listWorkersForWorkerPool(poolId, { state: 'running' })).workers;
  const [worker] = await eventually('a worker', running, ({ length }) => length > 0);
  assert.ok(worker);
  const { workerGroup, workerId } = worker;
  const name = `${workerGroup}/${workerId}`;
  const refused = await commandHere(['worker', 'drain', poolId, `${name}x`], { env });
  assert.match(refused.err, new RegExp(`no worker of ${poolId} "${name}x" \\(did you mean "${name}"`));
  const drained = await commandHere(['worker', 'drain', poolId, name], { env });
  assert.equal(drained.out, `${name} gets no more tasks, and ends with its last\n`);
  const { reason } = await manager.shouldWorkerTerminate(poolId, workerGroup, workerId);
  assert.equal(reason, 'drained');
  await eventually(
    'the drained worker to end',
    () => manager.worker(poolId, workerGroup, workerId),
    ({ state }) => state === 'stopped',
  );
};

it('workers come with tasks and go without, though the platform is killed twice meanwhile', async (t) => {
  const home = await aHome(t);
  const env = { WORKER: 'false' };
  const first = await home.start(env);
  const { queue, manager, alive } = asked(first);
  await manager.createWorkerPool(workerPoolId, definition);
  assert.equal(await countProcesses(home.path), 0);
  // Killed while workers are being started, and again while tasks run.
  const taskIds = await createTasks(queue, 10);
  await eventually('an order of a worker', async () => (await alive()).length > 0);
  await first.kill();
  const second = await home.start(env);
  const again = asked(second);
  await eventually(
    'a task to run',
    () => statesOf(again.queue, taskIds),
    (states) => states.includes('running'),
  );
  await second.kill();
  const third = await home.start(env);
  const last = asked(third);
  await eventually(
    'all tasks to be completed',
    () => statesOf(last.queue, taskIds),
    (states) => states.every((state) => state === 'completed'),
  );
  await eventually('all workers to end', last.alive, ({ length }) => length === 0);
  await eventually('all their processes to end', async () => (await countProcesses(home.path)) === 0);

  const { decisions } = await last.manager.workerPoolDecisions(workerPoolId);
  const launches = decisions.filter(({ action }) => action === 'launch');
  const { workers } = await last.manager.listWorkersForWorkerPool(workerPoolId);
  assert.deepEqual(
    launches.filter(({ outcome }) => outcome === 'open'),
    [],
  );
  for (const { token, count, started } of launches) {
    assert.equal(started, count, 'workers of a decision are missing');
    const own = workers.filter(({ workerId }) => token !== undefined && workerId.startsWith(token));
    assert.equal(own.length, count, 'a decision was carried out more than once');
  }
  await assertRemovedGetsNothing(third);
});

for (const processes of ['1', '2']) {
  it(`a platform of ${processes} processes has workers for tasks that name no queue, and takes them along`, async (t) => {
    const home = await aHome(t);
    const platform = await home.start({ PROCESSES: processes });
    const { queue } = asked(platform);
    assert.equal(await countProcesses(home.path), 0);
    const [taskId = ''] = await createTasks(queue, 1, 'local/built-in');
    await eventually(
      'the task to be completed',
      () => statesOf(queue, [taskId]),
      ([state]) => state === 'completed',
    );
    assert.equal(await countProcesses(home.path), 1);
    await assertDrained(platform, 'local/built-in');
    await createTasks(queue, 1, 'local/built-in');
    await eventually('another worker', async () => (await countProcesses(home.path)) > 0);
    await platform.stop();
    assert.equal(await countProcesses(home.path), 0);
  });
}
