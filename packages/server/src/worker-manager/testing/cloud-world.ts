import type { TestContext } from 'node:test';
import {
  type Database,
  days,
  later,
  type ManualClock,
  manualClock,
  seconds,
  silentLog,
  slugid,
} from '../../base/index.ts';
import { type Conditions, type DemoCloud, type Instance, startDemoCloud } from '../../demo-cloud/index.ts';
import { createQueue, type Queue, type TaskStatus } from '../../queue/index.ts';
import { type Opened, opened, plainTask, queueAlone, testDatabase } from '../../testing/index.ts';
import { createWorkers } from '../../workers/index.ts';
import { awsProvider } from '../providers/aws/index.ts';
import { memoryOf } from '../providers/aws/testing.ts';
import { seeded } from '../provisioning/simulation/random.ts';
import * as service from '../service/index.ts';
import { type Agents, type AgentsWorld, openAgents } from './agents.ts';
import { type OpenedPools, openedPools } from './index.ts';

export const region = 'eu-north-1';
const providerId = 'cloud';
export const workerPoolId = 'prov/cloud';

/** A launch config of a fleet in a region, with what the test is about. */
export const aFleet = (
  launchConfigId: string,
  { at = region, capacity = 1, ...more }: { at?: string; capacity?: number; [key: string]: unknown } = {},
) => ({
  region: at,
  fleet: {
    imageId: 'ami-1',
    instanceTypes: ['m5.large', 'c5.large'],
    availabilityZones: ['a', 'b', 'c'].map((zone) => `${at}${zone}`),
  },
  workerConfig: { taskyard: { capacity } },
  workerManager: { launchConfigId, capacityPerInstance: capacity, ...more },
});

interface NewTasks {
  readonly seconds?: number;
  readonly deadlineMs?: number;
  readonly dependencies?: readonly string[];
  readonly retries?: number;
}

/** A pool on the demo cloud, with workers whose time, like that of the cloud, is the clock of the test. */
export interface CloudWorld {
  readonly clock: ManualClock;
  readonly cloud: DemoCloud;
  readonly agents: Agents;
  readonly queue: Opened<Queue>;
  /** What the cloud is like; a test changes it at any time. */
  readonly conditions: { -readonly [K in keyof Conditions]?: Conditions[K] };
  /** From 0 up to 1; the same numbers for the same seed. */
  readonly random: () => number;
  /** Instances that were ended from here while they ran a task. */
  readonly endedBusy: readonly string[];
  context(): OpenedPools;
  /** Replaces the config of the pool. */
  configure(config: Record<string, unknown>): Promise<void>;
  /** Creates tasks; returns their ids. */
  add(count: number, tasks?: NewTasks): Promise<string[]>;
  /** Lets time pass, as many seconds as given: the cloud, its workers and the platform do what they do in it. */
  step(secondsPassed?: number): Promise<void>;
  /** Lets the workers do what they do now; no time passes, and no loop runs. */
  work(): Promise<void>;
  /** Steps until something holds; fails after this many steps. */
  until(what: string, holds: () => boolean | Promise<boolean>, stepsMax?: number): Promise<void>;
  alive(): Instance[];
  statusOf(taskId: string): Promise<TaskStatus>;
  /** Whether all of these tasks are completed. */
  completed(taskIds: readonly string[]): Promise<boolean>;
  wanted(): Promise<number>;
  /** Lets all workers register again. */
  rotate(): Promise<void>;
  /** Opens worker pools again, as a process that starts. */
  restart(): Promise<void>;
}

const stepSeconds = 10;

interface Parts {
  readonly clock: ManualClock;
  readonly db: Database;
  readonly queue: CloudWorld['queue'];
  readonly cloud: DemoCloud;
  readonly memory: ReturnType<typeof memoryOf>;
}

/** Worker pools as a process opens them. */
const openPools = (t: TestContext, { clock, db, queue, cloud, memory }: Parts): OpenedPools => {
  const floor = { db, clock, log: silentLog };
  const rootUrl = () => 'http://taskyard.test';
  const provider = awsProvider(
    { providerId, clock, log: silentLog, memory, rootUrl, changed: () => {} },
    {
      providerType: 'aws',
      endpoint: cloud.endpoint,
      ...cloud.keys,
      certificates: [cloud.certificate],
    },
  );
  t.after(() => provider.machines?.close?.());
  return openedPools({
    ...floor,
    workers: createWorkers(floor).verbs,
    queue,
    rootUrl,
    issueCredentials: ({ clientId }) => ({ clientId, accessToken: 'secret', certificate: '{}' }),
    recordAudit: async () => {},
    email: async () => {},
    providers: new Map([[providerId, provider]]),
  });
};

const definitionOf = (config: Record<string, unknown>) => ({
  workerPoolId,
  definition: {
    providerId,
    description: '',
    owner: 'o@example.com',
    emailOnError: false,
    config: { minCapacity: 0, maxCapacity: 100, launchConfigs: [aFleet('spot')], ...config },
  },
});

/** All that the platform does about pools in a round. */
const runLoops = async (context: OpenedPools): Promise<void> => {
  await service.provision(context, { atOnce: [], limit: 100 });
  await service.launchWorkers(context, providerId, 100);
  await service.sweep(context, providerId, { isAtOnce: true });
  await service.endWorkers(context, providerId, 100);
  await service.endOverdueWorkers(context, 100);
  await context.loopsOfEachProcess[0]?.step(1);
};

/** Tasks, and how long each takes. */
const taskMaker = ({ clock, queue }: Pick<Parts, 'clock' | 'queue'>, durations: Map<string, number>) => {
  const add: CloudWorld['add'] = async (
    count,
    { seconds: lasting = 60, deadlineMs = days(1), dependencies = [], ...fields } = {},
  ) => {
    const deadline = later(clock.now(), deadlineMs).toJSON();
    const tasks = Array.from({ length: count }, () => ({
      taskId: slugid(),
      request: {
        ...plainTask(clock.now()),
        ...{ provisionerId: 'prov', workerType: 'cloud', deadline, ...fields },
        dependencies: [...dependencies],
      },
      authorize: () => {},
    }));
    for (const { taskId } of tasks) durations.set(taskId, seconds(lasting));
    await queue.createTasks.all(tasks);
    return tasks.map(({ taskId }) => taskId);
  };
  return add;
};

/** Opens the world with the config of its pool and a seed. */
export const aCloudWorld = async (
  t: TestContext,
  { seed, config }: { seed: number; config: Record<string, unknown> },
): Promise<CloudWorld> => {
  const clock = manualClock();
  const { db, drop } = await testDatabase();
  const queue = opened(createQueue({ db, clock, log: silentLog, ...queueAlone() }));
  const conditions: CloudWorld['conditions'] = { bootMs: seconds(30) };
  const agents = openAgents();
  const durations = new Map<string, number>();
  const endedBusy: string[] = [];
  const cloud: DemoCloud = await startDemoCloud({
    clock,
    conditions: () => conditions,
    startMachine: (instance) => agents.start(instance, () => world),
  });
  t.after(async () => {
    await cloud.close();
    await queue.drain();
    await drop();
  });
  const parts = { clock, db, queue, cloud, memory: memoryOf(clock) };
  let context = openPools(t, parts);
  const world: AgentsWorld = {
    db,
    clock,
    queue,
    cloud,
    context: () => context,
    durationMs: (taskId) => durations.get(taskId) ?? 0,
    endedBusy,
  };
  await context.ensurePool(definitionOf(config));
  const step = async (passed = stepSeconds): Promise<void> => {
    clock.advance(seconds(passed));
    await agents.step(world);
    await runLoops(context);
  };
  return {
    ...{ clock, cloud, agents, queue, conditions, endedBusy, step },
    random: seeded(seed),
    context: () => context,
    configure: (wanted) => context.ensurePool(definitionOf(wanted)),
    add: taskMaker(parts, durations),
    work: () => agents.step(world),
    until: (what, holds, stepsMax = 120) => stepUntil(step, { what, holds, stepsMax }),
    alive: () =>
      [...cloud.instances.values()].filter(({ state }) => state === 'pending' || state === 'running'),
    statusOf: async (taskId) => statusIn(await queue.readStatuses.one(taskId)),
    completed: async (taskIds) => {
      const statuses = await queue.readStatuses.all(taskIds);
      return statuses.every((text) => statusIn(text).state === 'completed');
    },
    wanted: async () => (await context.measurePools()).figures[0]?.wanted ?? 0,
    rotate: () => agents.rotate(world),
    restart: async () => {
      context = openPools(t, parts);
      await context.start();
    },
  };
};

const statusIn = (text: unknown): TaskStatus => JSON.parse(String(text)) as TaskStatus;

const stepUntil = async (
  step: () => Promise<void>,
  { what, holds, stepsMax }: { what: string; holds: () => boolean | Promise<boolean>; stepsMax: number },
): Promise<void> => {
  for (let i = 0; i < stepsMax; i++) {
    if (await holds()) return;
    await step();
  }
  if (!(await holds())) throw new Error(`Not within ${stepsMax} steps: ${what}`);
};
