import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { ApiError, Queue, slugid, WorkerManager } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import {
  type Conditions,
  type DemoCloud,
  type Instance,
  startDemoCloud,
  workerProcesses,
} from '@taskyard/server';
import { freePort } from './support/free-port.ts';
import { aHome, type Ending, type Platform, plainEnvironment, root } from './support/platform.ts';

const workerPoolId = 'proj/spot';
const region = 'eu-north-1';
const capacity = 4;
const taskCount = 500;

/** What the cloud does to us. */
const aHostileCloud = async (test: Ending) => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-cloud-'));
  let calls = 0;
  let machines = 0;
  const beforeFleet: (() => void)[] = [];
  const dead = new Set<string>();
  const conditions: Partial<Conditions> = {
    bootMs: 500,
    shutdownMs: 300,
    // Two minutes, for those who have more time.
    noticeMs: 5000,
    unseenMs: 300,
    capacityOf: ({ zone }) => {
      beforeFleet.shift()?.();
      return zone.endsWith('a') ? 0 : 5;
    },
    isThrottled: () => {
      calls++;
      return calls % 9 === 4 && calls < 60;
    },
    // One of 20 never registers, whatever comes of it.
    works: (id) => {
      machines++;
      if (machines % 20 !== 7) return true;
      dead.add(id);
      return false;
    },
  };
  const startWorker = workerProcesses({
    command: [process.execPath, join(root, 'packages/cli/dist/local-worker.js'), '--provider', 'aws'],
    environment: {
      ...(plainEnvironment() as Record<string, string>),
      TASKYARD_WORKER_ENGINE: 'process',
    },
    folder,
    isSilent: true,
  });
  const cloud: DemoCloud = await startDemoCloud({
    conditions: () => conditions,
    startMachine: startWorker,
  });
  test.after(async () => {
    await cloud.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  return { cloud, dead, beforeFleet };
};

const definition = {
  providerId: 'ec2',
  description: 'Workers of this test',
  owner: 'test@example.com',
  emailOnError: false,
  config: {
    minCapacity: 0,
    maxCapacity: 16 * capacity,
    lifecycle: { registrationTimeout: 30 },
    launchConfigs: [
      {
        region,
        fleet: {
          imageId: 'ami-0test',
          instanceTypes: ['m5.large', 'm6i.large', 'c5.xlarge'],
          availabilityZones: ['a', 'b', 'c'].map((letter) => `${region}${letter}`),
        },
        workerConfig: { taskyard: { capacity, idleTimeoutSeconds: 2 } },
        workerManager: { launchConfigId: 'spot', capacityPerInstance: capacity },
      },
    ],
  },
};

const aTask = (taskGroupId: string, seconds: number) => ({
  taskQueueId: workerPoolId,
  taskGroupId,
  schedulerId: 'test',
  created: new Date().toJSON(),
  deadline: new Date(Date.now() + 3_600_000).toJSON(),
  retries: 10,
  payload: { command: [seconds > 0 ? ['sleep', String(seconds)] : ['true']], maxRunTime: 60 },
  metadata: { name: 'a task', description: '', owner: 'test@example.com', source: 'https://example.com/' },
});

const clientsOf = ({ rootUrl, credentials }: Platform) => ({
  queue: new Queue({ rootUrl, credentials }),
  manager: new WorkerManager({ rootUrl, credentials }),
});

type Clients = ReturnType<typeof clientsOf>;

/** Creates so many tasks, a few of which take some time; each call is repeated until it is answered. */
const createTasks = async (clients: () => Clients, taskGroupId: string, count: number): Promise<void> => {
  const wanted = Array.from({ length: count }, (_, i) => ({
    taskId: slugid(),
    seconds: i % 10 === 0 ? 3 : 0,
  }));
  const create = async (): Promise<void> => {
    for (let next = wanted.pop(); next; next = wanted.pop()) {
      const task = aTask(taskGroupId, next.seconds);
      const { taskId } = next;
      await eventually('the creation of a task', async () => {
        try {
          return await clients().queue.createTask(taskId, task);
        } catch (error) {
          if (error instanceof ApiError && error.statusCode < 500) throw error;
          return undefined;
        }
      });
    }
  };
  await Promise.all(Array.from({ length: 10 }, create));
};

const statusesIn = async ({ queue }: Clients, taskGroupId: string) => {
  const { tasks } = await queue.listTaskGroup(taskGroupId, { limit: 1000 });
  return tasks.map(({ status }) => status);
};
type Status = Awaited<ReturnType<typeof statusesIn>>[number];

const secondsBetween = (start: Date | string, end: Date | string): number =>
  (new Date(end).getTime() - new Date(start).getTime()) / 1000;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Seconds in which a place for a task was there and empty, of how many in which it was there. */
const idleness = (instances: readonly Instance[], statuses: readonly Status[]) => {
  const present =
    capacity *
    sum(instances.map(({ launchTime, endedAt }) => secondsBetween(launchTime, endedAt ?? launchTime)));
  const runs = statuses.flatMap((status) => status.runs);
  const busy = sum(
    runs.map(({ started, resolved }) => (started && resolved ? secondsBetween(started, resolved) : 0)),
  );
  return { idle: Math.round(present - busy), present: Math.round(present) };
};

/** No instance started without a decision, and none by a decision for fewer. */
const assertDecided = async ({ manager }: Clients, instances: readonly Instance[]): Promise<void> => {
  const { decisions } = await manager.workerPoolDecisions(workerPoolId);
  const launches = decisions.filter(({ action }) => action === 'launch');
  for (const { token, count, outcome } of launches) {
    const own = instances.filter(({ tags }) => tags.get('Decision') === token);
    assert.notEqual(outcome, 'open');
    assert.ok(own.length <= count, `${own.length} instances for a decision to start ${count}`);
  }
  const tokens = new Set(launches.map(({ token }) => token));
  assert.deepEqual(
    instances.filter(({ tags }) => !tokens.has(tags.get('Decision') ?? '')),
    [],
    'instances without a decision',
  );
};

/** Waits until every instance has ended, and every worker has stopped. */
const untilAllHaveEnded = async (
  { manager }: Clients,
  instances: () => readonly Instance[],
): Promise<void> => {
  await eventually('all instances to end', () => instances().every(({ state }) => state === 'terminated'));
  await eventually(
    'all workers to stop',
    async () => (await manager.listWorkersForWorkerPool(workerPoolId)).workers,
    (workers) => workers.every(({ state }) => state === 'stopped'),
  );
};

type Cloud = Awaited<ReturnType<typeof aHostileCloud>>;

/** Takes one of ten instances back while it works; one more breaks down without notice. */
const takeBackSome = (cloud: Cloud['cloud'], dead: Cloud['dead']) => {
  const working = [...cloud.instances.values()].filter(
    ({ id, state }) => state === 'running' && !dead.has(id),
  );
  const [broken, ...taken] = working.slice(0, 1 + Math.ceil(working.length / 10));
  if (broken) cloud.fail(broken);
  for (const instance of taken) cloud.interrupt(instance);
  return { broken, taken };
};

/** Prints what the instances did and cost. */
const tell = (
  t: TestContext,
  statuses: readonly Status[],
  { instances, taken, dead }: { instances: readonly Instance[]; taken: number; dead: number },
): void => {
  const { idle, present } = idleness(instances, statuses);
  const lost = statuses.flatMap(({ runs }) => runs.filter(({ state }) => state === 'exception'));
  t.diagnostic(
    `runs that were lost: ${lost.map(({ reasonResolved }) => reasonResolved).join(', ') || 'none'}`,
  );
  t.diagnostic(
    `${instances.length} instances: ${taken} were interrupted, 1 broke down, ${dead} never registered`,
  );
  t.diagnostic(`${idle} of ${present} seconds of places for tasks were idle (boot and end included)`);
};

/** The settings of a platform whose workers come from the cloud alone. */
const environmentOf = async (cloud: Cloud['cloud']) => {
  const provider = {
    providerType: 'aws',
    endpoint: cloud.endpoint,
    ...cloud.keys,
    certificates: [cloud.certificate],
    sweepSeconds: 1,
  };
  return {
    PORT: String(await freePort()),
    PROVIDERS: JSON.stringify({ ec2: provider }),
    WORKER: 'false',
    TASK_CLAIM_TIMEOUT: '20',
    LOG_LEVEL: 'error',
  };
};

it('500 tasks are completed by instances that come, are taken back, are broken, and go, through two crashes', async (t) => {
  const { cloud, dead, beforeFleet } = await aHostileCloud(t);
  const home = await aHome(t);
  const env = await environmentOf(cloud);
  let platform = await home.start(env);
  let clients = clientsOf(platform);
  const restart = async (): Promise<void> => {
    await platform.kill();
    platform = await home.start(env);
    clients = clientsOf(platform);
  };
  await clients.manager.createWorkerPool(workerPoolId, definition);
  const taskGroupId = slugid();
  const untilCompleted = (count: number) =>
    eventually(
      `${count} of the tasks to be completed`,
      async () =>
        (await statusesIn(clients, taskGroupId)).filter(({ state }) => state === 'completed').length,
      (completed) => completed >= count,
    );

  // EC2 starts instances, and whoever asked for them is gone before it hears of it.
  const killed = new Promise<void>((resolve) => {
    beforeFleet.push(() => {
      platform.process.kill('SIGKILL');
      resolve();
    });
  });
  const created = createTasks(() => clients, taskGroupId, taskCount);
  await within('the first call that starts instances', killed);
  await restart();
  await created;
  await untilCompleted(100);
  await restart();
  const { broken, taken } = takeBackSome(cloud, dead);
  // Patience is for a step, not for the whole.
  for (let count = 200; count < taskCount; count += 100) await untilCompleted(count);
  const statuses = await eventually(
    'all tasks to be resolved',
    () => statusesIn(clients, taskGroupId),
    (seen) => seen.every(({ state }) => !['pending', 'running', 'unscheduled'].includes(state)),
  );
  assert.equal(statuses.length, taskCount);
  assert.deepEqual([...new Set(statuses.map(({ state }) => state))], ['completed']);

  await untilAllHaveEnded(clients, () => [...cloud.instances.values()]);
  const instances = [...cloud.instances.values()];
  await assertDecided(clients, instances);
  const isFull = ({ place }: Instance) => place.zone.endsWith('a');
  assert.deepEqual(instances.filter(isFull), []);
  const throttled = cloud.calls.filter(({ error }) => error === 'RequestLimitExceeded').length;
  assert.ok(throttled > 0 && taken.length > 0 && dead.size > 0);
  assert.equal(broken?.stateReason?.code, 'Server.InternalError');

  tell(t, statuses, { instances, taken: taken.length, dead: dead.size });
  t.diagnostic(`${cloud.calls.length} calls of EC2, ${throttled} of them throttled`);
});
