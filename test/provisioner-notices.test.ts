import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { Queue, slugid, WorkerManager } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { type Instance, startDemoCloud } from '@taskyard/server';
import { type MockedMetadata, mockedMetadata, skipWithoutMetadataMock } from './support/metadata-mock.ts';
import { aHome } from './support/platform.ts';
import { definitionOf, environmentOf, machinesOf, workerPoolId } from './support/spot-pool.ts';

const rebalance = 'meta-data/events/recommendations/rebalance';
const interruption = 'meta-data/spot/instance-action';

const inSeconds = (seconds: number): string =>
  new Date(Date.now() + seconds * 1000).toJSON().replace(/\.\d+Z$/, 'Z');
const never = ['--mock-trigger-time', inSeconds(86_400)];
const noRebalance = ['--rebalance-trigger-time', inSeconds(86_400)];

/** A cloud whose first instance hears of its end from AWS's mock. */
const aCloud = async (t: TestContext, metadata: MockedMetadata) => {
  const startMachine = await machinesOf(t);
  let first: Instance | undefined;
  const cloud = await startDemoCloud({
    conditions: () => ({ bootMs: 300, shutdownMs: 300 }),
    startMachine: (instance, endpoint) => {
      first ??= instance;
      if (first !== instance) return startMachine(instance, endpoint);
      metadata.own = endpoint;
      return startMachine(instance, metadata.endpoint);
    },
  });
  t.after(() => cloud.close());
  return cloud;
};

const aPool = async (t: TestContext, metadata: MockedMetadata) => {
  const cloud = await aCloud(t, metadata);
  const home = await aHome(t);
  const { rootUrl, credentials } = await home.start(await environmentOf(cloud));
  const [queue, manager] = [new Queue({ rootUrl, credentials }), new WorkerManager({ rootUrl, credentials })];
  await manager.createWorkerPool(workerPoolId, definitionOf('ami-0test'));
  const create = async (script: string): Promise<string> => {
    const taskId = slugid();
    await queue.createTask(taskId, {
      taskQueueId: workerPoolId,
      created: new Date().toJSON(),
      deadline: new Date(Date.now() + 3_600_000).toJSON(),
      payload: { command: [['sh', '-c', script]], maxRunTime: 3000 },
      metadata: { name: 'a task', description: '', owner: 'o@example.com', source: 'https://example.com/' },
    });
    return taskId;
  };
  const until = async (taskId: string, state: string) =>
    (
      await eventually(
        `${taskId} to be ${state}`,
        () => queue.status(taskId),
        ({ status }) => status.state === state,
      )
    ).status;
  const draining = ({ id, place }: Instance) =>
    eventually(
      'the worker to say that it takes no more tasks',
      () => manager.shouldWorkerTerminate(workerPoolId, place.region, id),
      ({ reason }) => reason === 'drained',
    );
  return { cloud, create, until, draining };
};

it("heeds the notices of AWS's own mock: a rebalance, an interruption whose first time counts, sessions that end", {
  skip: skipWithoutMetadataMock,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-notices-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const metadata = await mockedMetadata(t);
  await metadata.restart([...never, ...noRebalance]);
  const { cloud, create, until, draining } = await aPool(t, metadata);
  const answered = (path: string, status: number) =>
    eventually(`${status} for ${path}`, () =>
      metadata.asked.some((one) => one.path === path && one.status === status),
    );

  // It never ends in its first run.
  const long = await create(
    `[ -e ${folder}/ran ] && exit 0; touch ${folder}/ran; while :; do sleep 0.2; done`,
  );
  const { runs: begun } = await until(long, 'running');
  const [taken] = [...cloud.instances.values()];
  assert.equal(begun[0]?.workerId, taken?.id);
  await answered(interruption, 404);

  // The mock forgets its sessions, and says that the machine may be taken soon: three of its places are free.
  await metadata.restart(never);
  await answered(rebalance, 200);
  assert.ok(metadata.asked.some(({ status }) => status === 401));
  assert.ok(taken);
  await draining(taken);
  const { runs: elsewhere } = await until(await create('true'), 'completed');
  assert.notEqual(elsewhere[0]?.workerId, taken?.id);
  assert.equal((await until(long, 'running')).runs.length, 1);

  // It will be taken: what runs has five seconds, of the 45 that are left. A later time does not give it more.
  await metadata.restart(['--time', inSeconds(45)]);
  await answered(interruption, 200);
  await metadata.restart(['--time', inSeconds(3600)]);
  const { runs } = await until(long, 'completed');
  assert.deepEqual(
    runs.map(({ state, reasonResolved }) => [state, reasonResolved]),
    [
      ['exception', 'worker-shutdown'],
      ['completed', 'completed'],
    ],
  );
  assert.notEqual(runs[1]?.workerId, taken?.id);
  await eventually('the machine to be given back', () => taken?.state === 'terminated');
});
