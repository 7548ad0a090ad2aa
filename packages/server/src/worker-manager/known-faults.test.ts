import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { hours, later, minutes, RequestError, seconds, silentLog } from '../base/index.ts';
import { opened } from '../testing/index.ts';
import { createWorkers } from '../workers/index.ts';
import { clientIdOf } from './barred.ts';
import * as service from './service/index.ts';
import type { WorkerRef } from './store/index.ts';
import {
  afterRead,
  aGround,
  aMachinePool,
  claimedTasks,
  type Ground,
  openRoom,
  pendingTasks,
  resolvedTasks,
  stepsOn,
} from './testing/index.ts';

// Faults that users of other provisioners have met, each under the short name of our list.

let ground: Ground;
before(async () => {
  ground = await aGround();
});
after(() => ground.test.drop());

const { decide, launch, workersOf, register, ordersFor } = stepsOn(() => ground);
const stateOf = async ({ workerPoolId, workerId }: WorkerRef) =>
  (await workersOf(workerPoolId)).find((worker) => worker.workerId === workerId)?.state;
const orderedFor = (workerPoolId: string) =>
  ordersFor(workerPoolId).reduce((total, { count }) => total + count, 0);
const isInputError = (error: unknown) => error instanceof RequestError && error.code === 'InputError';
const nothingWaits = (workerPoolId: string) =>
  ground.test.db`delete from pending where task_queue_id = ${workerPoolId}`;
const inQueue = ({ workerPoolId: taskQueueId, workerGroup, workerId }: WorkerRef) => ({
  taskQueueId,
  workerGroup,
  workerId,
});
const seenByQueue = async (worker: WorkerRef) => {
  // A new process each time, since one process writes a worker only once in a while.
  const queue = opened(createWorkers({ db: ground.test.db, clock: ground.clock, log: silentLog }));
  queue.seeWorkers([inQueue(worker)]);
  await queue.close();
};

/** Workers of a new pool, requested or registered. */
const someWorkers = async (count: number, config: Record<string, unknown> = {}) => {
  const workerPoolId = await aMachinePool(ground, config);
  await pendingTasks(ground, workerPoolId, count);
  await decide(workerPoolId);
  await launch();
  await nothingWaits(workerPoolId);
  const workers = (await workersOf(workerPoolId)).map(
    ({ workerGroup, workerId }): WorkerRef => ({ workerPoolId, workerGroup, workerId }),
  );
  return { workerPoolId, workers: workers as [WorkerRef, ...WorkerRef[]] };
};
const registeredWorkers = async (count: number, config: Record<string, unknown> = {}) => {
  const some = await someWorkers(count, config);
  for (const worker of some.workers) await register(worker);
  return some;
};

describe('page-twice', () => {
  it('a pool of one worker keeps it, and a pool above 1,000 counts each worker once', async () => {
    const { workerPoolId: small, workers } = await registeredWorkers(1, { minCapacity: 1 });
    for (let round = 0; round < 3; round++) {
      await decide(small);
      const { terminate } = await ground.context.shouldWorkerTerminate(workers[0]);
      assert.equal(terminate, false);
      ground.clock.advance(seconds(10));
    }
    const large = await aMachinePool(ground, { minCapacity: 1001, maxCapacity: 2000 });
    await decide(large);
    await launch();
    await decide(large);
    await launch();
    assert.equal(orderedFor(large), 1001);
    const pool = await ground.context.readPool(large);
    assert.equal(pool.requestedCapacity, 1001);
  });
});

describe('long-task-is-no-zombie', () => {
  it('a worker that only reclaims for hours stays, and so does one that holds a claim without a record', async () => {
    const { workers } = await registeredWorkers(3, { lifecycle: { queueInactivityTimeout: 1200 } });
    const [reclaiming, unrecorded, quiet] = workers as [WorkerRef, WorkerRef, WorkerRef];
    await pendingTasks(ground, reclaiming.workerPoolId, 1);
    await claimedTasks(ground, unrecorded, 1);
    for (const worker of [reclaiming, quiet]) await seenByQueue(worker);
    for (let minute = 0; minute < 120; minute += 20) {
      ground.clock.advance(minutes(20));
      await seenByQueue(reclaiming);
      await service.endQuietWorkers(ground.context);
    }
    assert.equal(await stateOf(reclaiming), 'running');
    assert.equal(await stateOf(unrecorded), 'running');
    assert.equal(await stateOf(quiet), 'stopping');
    assert.ok(!ground.lost.includes(unrecorded.workerId));
  });
});

describe('stale-row-ends-worker', () => {
  it('a worker that registers while a sweep holds its old row is kept', async () => {
    const { workers } = await someWorkers(1, { lifecycle: { registrationTimeout: 300 } });
    const [worker] = workers;
    ground.clock.advance(seconds(301));
    // The sweep has read its list when the worker registers.
    const stale = openRoom(
      ground,
      afterRead(ground.test.db, 'terminate_after <=', () => register(worker)),
    );
    await service.endOverdueWorkers(stale, 100);
    assert.equal(await stateOf(worker), 'running');
    assert.deepEqual(
      (await ground.context.listErrors({ workerPoolId: worker.workerPoolId })).workerPoolErrors,
      [],
    );
  });

  it('a worker that registers again while its time runs out is kept', async () => {
    const { workers } = await someWorkers(1, { lifecycle: { reregistrationTimeout: 600 } });
    const [worker] = workers;
    const { secret } = await register(worker);
    ground.clock.advance(seconds(601));
    const again = () => ground.context.reregisterWorker({ ...worker, secret });
    const stale = openRoom(ground, afterRead(ground.test.db, 'terminate_after <=', again));
    await service.endOverdueWorkers(stale, 100);
    assert.equal(await stateOf(worker), 'running');
  });

  it('a worker that registers while its provider says that it is gone is kept', async () => {
    const { workers } = await someWorkers(1);
    const [worker] = workers;
    const machine = ground.fake.machines.get(worker.workerId);
    ground.fake.machines.delete(worker.workerId);
    const stale = openRoom(
      ground,
      afterRead(ground.test.db, 'provider_id =', () => register(worker)),
    );
    await service.sweep(stale, 'fake', { isAtOnce: true });
    assert.equal(await stateOf(worker), 'running');
    assert.ok(machine);
    ground.fake.machines.set(worker.workerId, machine);
  });

  it('a worker that claims while it is found quiet is kept', async () => {
    const { workers } = await registeredWorkers(1, { lifecycle: { queueInactivityTimeout: 1200 } });
    const [worker] = workers;
    await seenByQueue(worker);
    ground.clock.advance(hours(2));
    await pendingTasks(ground, worker.workerPoolId, 1);
    const claim = () => claimedTasks(ground, worker, 1);
    const stale = openRoom(ground, afterRead(ground.test.db, 'w.registered <', claim));
    await service.endQuietWorkers(stale);
    assert.equal(await stateOf(worker), 'running');
  });
});

describe('one-bad-pool', () => {
  it('a pool without its provider, and one without launch configs, do not hold up other pools', async () => {
    const orphan = await aMachinePool(ground);
    await ground.test.db`update worker_pools set provider_id = 'gone' where worker_pool_id = ${orphan}`;
    const empty = await aMachinePool(ground, { launchConfigs: [] });
    const third = await aMachinePool(ground);
    for (const pool of [orphan, empty, third]) await pendingTasks(ground, pool, 10);
    await service.provision(ground.context, { atOnce: [orphan, empty, third], limit: 100 });
    await launch();
    assert.deepEqual([orphan, empty, third].map(orderedFor), [0, 0, 10]);
    await service.tellOfLostProviders(ground.context, 100);
    await service.tellOfLostProviders(ground.context, 100);
    const errorsOf = async (pool: string) =>
      (await ground.context.listErrors({ workerPoolId: pool })).workerPoolErrors.map(({ title }) => title);
    assert.deepEqual(await errorsOf(orphan), ['The provider of the pool is not configured']);
    assert.deepEqual(await errorsOf(empty), []);
  });
});

describe('lost-rotation', () => {
  const again = (worker: WorkerRef, secret: string) => ground.context.reregisterWorker({ ...worker, secret });

  it('a worker whose reply was lost registers again with the secret that it has', async () => {
    const { workers } = await someWorkers(1);
    const [worker] = workers;
    const { secret: first } = await register(worker);
    await again(worker, first);
    ground.clock.advance(seconds(20));
    const { secret: second, credentials } = await again(worker, first);
    assert.ok(credentials.accessToken);
    await assert.rejects(again(worker, `${first}x`), isInputError);
    const { secret: third } = await again(worker, second);
    await assert.rejects(again(worker, first), isInputError, 'the next secret was used');
    await again(worker, third);
  });

  it('the repeat counts for a short time only', async () => {
    const { workers } = await someWorkers(1);
    const [worker] = workers;
    const { secret } = await register(worker);
    await again(worker, secret);
    ground.clock.advance(minutes(11));
    await assert.rejects(again(worker, secret), isInputError);
  });

  it('a first registration whose reply was lost is repeated, until the worker asks for work', async () => {
    const { workers } = await someWorkers(1);
    const [worker] = workers;
    await register(worker);
    const { secret } = await register(worker);
    await again(worker, secret);
    await assert.rejects(register(worker), isInputError, 'what it was given was used');
    const { workers: others } = await someWorkers(1);
    const [other] = others;
    await register(other);
    await seenByQueue(other);
    await assert.rejects(register(other), isInputError, 'a task may have read its proof');
  });

  it('a worker in quarantine, or of an archived launch config, gets no more credentials', async () => {
    const { workers, workerPoolId } = await someWorkers(2);
    const [barred, outdated] = workers as [WorkerRef, WorkerRef];
    const { secret } = await register(barred);
    const { secret: other } = await register(outdated);
    await seenByQueue(barred);
    await ground.test.db`
      update workers set quarantine_until = ${later(ground.clock.now(), hours(1))}::timestamptz
       where task_queue_id = ${workerPoolId} and worker_id = ${barred.workerId}`;
    await assert.rejects(again(barred, secret), isInputError);
    await ground.test.db`update launch_configs set is_archived = true where worker_pool_id = ${workerPoolId}`;
    await assert.rejects(again(outdated, other), isInputError);
  });
});

describe('slots-that-never-claim', () => {
  const machines = {
    maxCapacity: 12,
    launchConfigs: [{ workerManager: { launchConfigId: 'lc', capacityPerInstance: 4 } }],
  };
  const busyMachine = async () => {
    const some = await registeredWorkers(1, machines);
    const [worker] = some.workers;
    await pendingTasks(ground, some.workerPoolId, 1);
    await claimedTasks(ground, worker, 1);
    return { workerPoolId: some.workerPoolId, worker, before: orderedFor(some.workerPoolId) };
  };
  const startsOneFor = async (workerPoolId: string, before: number) => {
    await pendingTasks(ground, workerPoolId, 3);
    await decide(workerPoolId);
    await launch();
    assert.equal(orderedFor(workerPoolId) - before, 1);
    await resolvedTasks(ground, workerPoolId);
  };

  it('a machine that was told to go', async () => {
    const { workerPoolId, worker, before } = await busyMachine();
    await ground.test.db`
      update managed_workers set should_terminate = true where worker_pool_id = ${workerPoolId}`;
    const clientId = clientIdOf({ ...worker, providerId: 'fake' });
    const { terminate } = await ground.context.shouldWorkerTerminate({ ...worker, clientId });
    assert.equal(terminate, true);
    await startsOneFor(workerPoolId, before);
  });

  it('a machine in quarantine', async () => {
    const { workerPoolId, worker, before } = await busyMachine();
    await seenByQueue(worker);
    await ground.test.db`
      update workers set quarantine_until = ${later(ground.clock.now(), hours(9))}::timestamptz
       where task_queue_id = ${workerPoolId}`;
    await startsOneFor(workerPoolId, before);
  });

  for (const provisioning of [{}, { scaleIn: {} }]) {
    const how = 'scaleIn' in provisioning ? 'which the pool does not bring back' : 'by its own account';
    it(`a machine that takes no more tasks, ${how}`, async () => {
      const some = await registeredWorkers(1, { ...machines, provisioning });
      const [worker] = some.workers;
      await pendingTasks(ground, some.workerPoolId, 1);
      await claimedTasks(ground, worker, 1);
      const clientId = clientIdOf({ ...worker, providerId: 'fake' });
      const before = orderedFor(some.workerPoolId);
      for (let i = 0; i < 2; i++) await ground.context.drainWorker({ ...worker, clientId });
      await decide(some.workerPoolId);
      await startsOneFor(some.workerPoolId, before);
      await ground.context.start();
      assert.ok(ground.context.isBarred(worker.workerPoolId, worker.workerGroup, worker.workerId));
    });
  }

  it('a machine that is stopping', async () => {
    const { workerPoolId, worker, before } = await busyMachine();
    await ground.context.removeWorker(worker, 'not wanted');
    await startsOneFor(workerPoolId, before);
  });
});
