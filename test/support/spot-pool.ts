import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ApiError, Queue, slugid, WorkerManager } from '@taskyard/client';
import { eventually, programAt, within } from '@taskyard/patience';
import { type Instance, workerProcesses } from '@taskyard/server';
import { freePort } from './free-port.ts';
import { aHome, type Ending, type Platform, plainEnvironment, root } from './platform.ts';

/** A pool of spot instances, and the load of the tests that complete tasks on it in spite of failures of EC2. */

export const workerPoolId = 'proj/spot';
export const region = 'eu-north-1';
const capacity = 4;
/** All of it takes minutes: a part shows the same, but for the figures. Each instance is a process that has to start. */
const isWhole = process.env.TASKYARD_TEST_WHOLE !== undefined;
const [taskCount, instancesMax] = isWhole ? [500, 16] : [40, 6];

/** Whether the machine of this number, from 1, never registers: one of 20, and of a part one of its first. */
export const neverRegisters = (machine: number): boolean => machine % 20 === (isWhole ? 7 : 3);

/** The pool, with instances of this image. */
export const definitionOf = (imageId: string) => ({
  providerId: 'ec2',
  description: 'Workers of this test',
  owner: 'test@example.com',
  emailOnError: false,
  config: {
    minCapacity: 0,
    maxCapacity: instancesMax * capacity,
    lifecycle: { registrationTimeout: 30 },
    launchConfigs: [
      {
        region,
        fleet: {
          imageId,
          instanceTypes: ['m5.large', 'm6i.large', 'c5.xlarge'],
          availabilityZones: ['a', 'b', 'c'].map((letter) => `${region}${letter}`),
        },
        workerConfig: { taskyard: { capacity, idleTimeoutSeconds: 2 } },
        workerManager: { launchConfigId: 'spot', capacityPerInstance: capacity },
      },
    ],
  },
});

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

/** Creates this many tasks, a few of which take some time; each call is repeated until it is answered. */
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

/** Prints what the instances did and cost. */
export const tell = (
  t: TestContext,
  statuses: readonly Status[],
  {
    instances,
    taken,
    broken,
    dead,
  }: {
    readonly instances: readonly Instance[];
    readonly taken: number;
    readonly broken: number;
    readonly dead: number;
  },
): void => {
  const { idle, present } = idleness(instances, statuses);
  const lost = statuses.flatMap(({ runs }) => runs.filter(({ state }) => state === 'exception'));
  t.diagnostic(
    `runs that were lost: ${lost.map(({ reasonResolved }) => reasonResolved).join(', ') || 'none'}`,
  );
  t.diagnostic(
    `${instances.length} instances: ${taken} were interrupted, ${broken} broke down, ${dead} never registered`,
  );
  t.diagnostic(`${idle} of ${present} seconds of places for tasks were idle (boot and end included)`);
};

/** EC2, as a test has it. */
interface Cloud {
  readonly endpoint: string;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly certificate: string;
  readonly instances: ReadonlyMap<string, Instance>;
}

/** The settings of a platform whose workers come from the cloud alone. */
export const environmentOf = async (cloud: Omit<Cloud, 'instances'>) => {
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

/** Waits until all tasks are resolved, which they are as completed. Patience is for a step, not for the whole. */
const allCompleted = async (clients: () => Clients, taskGroupId: string, from: number) => {
  for (let count = from + 50; count < taskCount; count += 50) {
    await untilCompleted(clients, taskGroupId, count);
  }
  const statuses = await eventually(
    'all tasks to be resolved',
    () => statusesIn(clients(), taskGroupId),
    (seen) => seen.every(({ state }) => !['pending', 'running', 'unscheduled'].includes(state)),
  );
  assert.equal(statuses.length, taskCount);
  assert.deepEqual([...new Set(statuses.map(({ state }) => state))], ['completed']);
  return statuses;
};

/** Waits until this many tasks are completed, through restarts of the platform. */
const untilCompleted = (clients: () => Clients, taskGroupId: string, count: number) =>
  eventually(
    `${count} of the tasks to be completed`,
    async () =>
      (await statusesIn(clients(), taskGroupId)).filter(({ state }) => state === 'completed').length,
    (completed) => completed >= count,
  );

/** What runs on an instance. */
export interface RunningMachine {
  end(): Promise<void>;
  readonly ended: Promise<void>;
}

/** Machines of instances: real workers, each a process with a folder of its own. */
export const machinesOf = async (
  test: Ending,
): Promise<(instance: Instance, metadataEndpoint: string) => RunningMachine> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-cloud-'));
  test.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  return workerProcesses({
    command: [
      process.execPath,
      programAt(join(root, 'packages/cli/dist/local-worker.js')),
      '--provider',
      'aws',
    ],
    environment: {
      ...(plainEnvironment() as Record<string, string>),
      TASKYARD_WORKER_ENGINE: 'process',
    },
    folder,
    isSilent: true,
  });
};

/** A platform that is killed and started again, and its clients. */
const aMortalPlatform = async (test: Ending, env: Readonly<Record<string, string>>) => {
  const home = await aHome(test);
  let platform = await home.start(env);
  let clients = clientsOf(platform);
  return {
    clients: () => clients,
    kill: () => void platform.process.kill('SIGKILL'),
    restart: async (): Promise<void> => {
      await platform.kill();
      platform = await home.start(env);
      clients = clientsOf(platform);
    },
  };
};

/**
 * Completes all tasks on instances of a cloud, while the platform is killed twice: before the reply to its first call that
 * starts instances, and when some tasks are completed. Then the instances fail. Waits until all of them have ended.
 */
export const completeThroughCrashes = async (
  test: Ending,
  {
    cloud,
    imageId,
    beforeReply,
    failSome,
  }: {
    readonly cloud: Cloud;
    readonly imageId: string;
    /** The cloud calls these one by one, each during a call that starts instances and before its reply. */
    readonly beforeReply: (() => void)[];
    readonly failSome: () => void;
  },
) => {
  const platform = await aMortalPlatform(test, await environmentOf(cloud));
  const { clients } = platform;
  await clients().manager.createWorkerPool(workerPoolId, definitionOf(imageId));
  const taskGroupId = slugid();
  const killed = new Promise<void>((resolve) => {
    beforeReply.push(() => {
      platform.kill();
      resolve();
    });
  });
  const created = createTasks(clients, taskGroupId, taskCount);
  await within('the first call that starts instances', killed);
  await platform.restart();
  await created;
  const firstPart = Math.floor(taskCount / 5);
  await untilCompleted(clients, taskGroupId, firstPart);
  await platform.restart();
  failSome();
  const statuses = await allCompleted(clients, taskGroupId, firstPart);
  const instances = () => [...cloud.instances.values()];
  await untilAllHaveEnded(clients(), instances);
  await assertDecided(clients(), instances());
  return { statuses, instances: instances() };
};

/** A tenth of the instances that work, and so many more. Those that never register do not work. */
export const someOfWorking = (
  { instances }: Pick<Cloud, 'instances'>,
  dead: ReadonlySet<string>,
  more = 0,
): Instance[] => {
  const working = [...instances.values()].filter(({ id, state }) => state === 'running' && !dead.has(id));
  return working.slice(0, more + Math.ceil(working.length / 10));
};
