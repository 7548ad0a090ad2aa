import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { hours, localSignal, minutes, type Signal, seconds } from '../base/index.ts';
import { clientIdOf } from './barred.ts';
import { Rounds } from './rounds.ts';
import * as service from './service/index.ts';
import type { WorkerRef } from './store/index.ts';
import { createTimings } from './subscription.ts';
import {
  afterReadInside,
  aGround,
  aMachinePool,
  claimedTasks,
  type Ground,
  type OpenedPools,
  openRoom,
  pendingTasks,
  resolvedTasks,
  stepsOn,
  watchedDatabase,
} from './testing/index.ts';

let ground: Ground;
let context: OpenedPools;
let statements = 0;
before(async () => {
  ground = await aGround();
  const counting = watchedDatabase(ground.test.db, () => {
    statements += 1;
  });
  context = openRoom(ground, counting);
});
after(() => ground.test.drop());

const { decide, launch, workersOf, register } = stepsOn(() => ground);
const decisionsOf = async (workerPoolId: string) =>
  (await ground.context.listDecisions({ workerPoolId })).decisions.map(({ action }) => action);
const rowOf = async ({ workerPoolId, workerId }: WorkerRef) => {
  const [row] = await ground.test.db<{ isDraining: boolean; shouldTerminate: boolean }>`
    select is_draining, should_terminate from managed_workers
     where worker_pool_id = ${workerPoolId} and worker_id = ${workerId}`;
  return row;
};

/** When some pools are due again, which each of their rounds puts off. */
const lookedAt = (...workerPoolIds: readonly string[]): Promise<number[]> =>
  Promise.all(
    workerPoolIds.map(async (id) => {
      const [round] = await ground.test.db<{ dueAt: Date }>`
        select due_at from provisioning_rounds where name = ${`pool:${id}`}`;
      return round?.dueAt.getTime() ?? 0;
    }),
  );

/** The statements of the step that comes ten seconds later. */
const statementsOfStep = async (passedMs = seconds(10)): Promise<number> => {
  const loop = context.loops.find(({ name }) => name === 'provision');
  assert.ok(loop);
  ground.clock.advance(passedMs);
  statements = 0;
  await loop.step(loop.limit);
  return statements;
};

/** Steps until one costs nothing; a pool that never rests fails. */
const untilAllRest = async (): Promise<void> => {
  for (let step = 0; step < 20; step++) if ((await statementsOfStep()) === 0) return;
  assert.fail('no step was without statements');
};

/** A pool with workers that have registered, and a claim each. */
const busyPool = async (count: number, config: Record<string, unknown> = {}) => {
  const workerPoolId = await aMachinePool(ground, config);
  await pendingTasks(ground, workerPoolId, count);
  await decide(workerPoolId);
  await launch();
  const refs = (await workersOf(workerPoolId)).map(
    ({ workerGroup, workerId }): WorkerRef => ({ workerPoolId, workerGroup, workerId }),
  );
  for (const ref of refs) {
    await register(ref);
    await claimedTasks(ground, ref, 1);
  }
  return { workerPoolId, workers: refs as [WorkerRef, ...WorkerRef[]] };
};

describe('the rounds of a process', () => {
  it('hear of nothing before the first one: a process without loops keeps nothing', async () => {
    let listening = 0;
    const signal = localSignal();
    const poolsChanged: Signal = {
      ...signal,
      each: (woken) => {
        listening += 1;
        return signal.each(woken);
      },
    };
    const { loop } = new Rounds({ ...ground.context, poolsChanged }, createTimings());
    assert.equal(listening, 0);
    await loop.step(loop.limit);
    await loop.step(loop.limit);
    assert.equal(listening, 1);
  });
});

describe('a pool without change', () => {
  it('costs no statement, be it empty, busy, full, paused, or kept at its least capacity', async () => {
    const empty = await aMachinePool(ground);
    const { workerPoolId: busy } = await busyPool(3, { provisioning: { aimedPendingSeconds: 60 } });
    const { workerPoolId: full } = await busyPool(2, { maxCapacity: 2 });
    await pendingTasks(ground, full, 50);
    const least = await aMachinePool(ground, { minCapacity: 1, provisioning: { scaleIn: {} } });
    await decide(least);
    await launch();
    for (const worker of await workersOf(least)) await register({ ...worker, workerPoolId: least });
    const paused = await aMachinePool(ground);
    await pendingTasks(ground, paused, 1);
    await ground.context.pausePool({ workerPoolId: paused, pause: { reason: 'no money' } });
    await untilAllRest();
    for (const id of [empty, busy, full, least, paused]) assert.equal((await decisionsOf(id))[0], 'wait', id);
    // Until all are looked at: once a minute, in case a wake-up was lost.
    let quiet = 0;
    while ((await statementsOfStep()) === 0) quiet += 1;
    assert.ok(quiet >= 3 && quiet < 6, `${quiet}`);
    await untilAllRest();
  });

  it('is looked at in the next round when its runs, its workers or quarantines change, and no other is', async () => {
    const { workerPoolId, workers } = await busyPool(2);
    const [first, second] = workers as [WorkerRef, WorkerRef];
    const other = await aMachinePool(ground);
    const booting = await aMachinePool(ground, { minCapacity: 1 });
    await decide(booting);
    await launch();
    const [requested] = await workersOf(booting);
    assert.ok(requested);
    const proof = { providerId: 'fake', workerIdentityProof: { token: 'me' } };
    const changes: readonly (readonly [string, string, () => unknown])[] = [
      ['runs were claimed', workerPoolId, () => context.touchPools([workerPoolId, 'no/pool'])],
      ['a worker registers', booting, () => context.registerWorker({ ...requested, ...proof })],
      ['a worker is drained', workerPoolId, () => context.drainWorker(first)],
      ['a worker is removed', workerPoolId, () => context.removeWorker(second, 'not wanted')],
      ['a worker is put into quarantine', workerPoolId, () => context.quarantinesChanged.wake()],
    ];
    for (const [what, changed, change] of changes) {
      // The look at all pools is far off then.
      context.poolsChanged.wake([]);
      await untilAllRest();
      const before = await lookedAt(changed, other);
      await change();
      await statementsOfStep();
      const now = await lookedAt(changed, other);
      assert.notEqual(now[0], before[0], what);
      if (what !== 'a worker is put into quarantine') assert.equal(now[1], before[1], what);
    }
    await resolvedTasks(ground, workerPoolId);
  });

  it('is decided about at once when a task becomes pending, or it is changed; a lost wake-up costs a minute', async () => {
    const [first, second] = [await aMachinePool(ground), await aMachinePool(ground)];
    context.poolsChanged.wake([first, second]);
    await untilAllRest();
    await pendingTasks(ground, first, 2);
    context.pendingChanged.wake([first]);
    assert.ok((await statementsOfStep(seconds(1))) > 0);
    assert.equal((await decisionsOf(first))[0], 'launch');
    await pendingTasks(ground, second, 2);
    await statementsOfStep(minutes(1));
    assert.equal((await decisionsOf(second))[0], 'launch');
    await resolvedTasks(ground, first);
    await resolvedTasks(ground, second);
  });

  it('is decided about again when a task becomes pending while a round finds it', async () => {
    const workerPoolId = await aMachinePool(ground);
    const room = openRoom(
      ground,
      afterReadInside(ground.test.db, 'from pool_task_times', async () => {
        await pendingTasks(ground, workerPoolId, 1);
        room.pendingChanged.wake([workerPoolId]);
      }),
    );
    const loop = room.loops.find(({ name }) => name === 'provision');
    assert.ok(loop);
    await loop.step(loop.limit);
    assert.deepEqual(await decisionsOf(workerPoolId), ['wait'], 'the facts were old');
    ground.clock.advance(seconds(1));
    await loop.step(loop.limit);
    assert.equal((await decisionsOf(workerPoolId))[0], 'launch');
    await resolvedTasks(ground, workerPoolId);
  });

  it('is woken by the times that it waits for', async () => {
    const { workerPoolId, workers } = await busyPool(1, { provisioning: { scaleIn: { idleSeconds: 25 } } });
    context.poolsChanged.wake([workerPoolId]);
    await untilAllRest();
    await resolvedTasks(ground, workerPoolId);
    context.touchPools([workerPoolId]);
    await statementsOfStep();
    assert.equal((await rowOf(workers[0]))?.isDraining, false);
    await statementsOfStep();
    await statementsOfStep();
    await statementsOfStep();
    assert.equal((await rowOf(workers[0]))?.isDraining, true);
  });

  it('leaves one decision to wait, however long it rests', async () => {
    const workerPoolId = await aMachinePool(ground);
    context.poolsChanged.wake([workerPoolId]);
    for (let i = 0; i < 60; i++) await statementsOfStep();
    assert.deepEqual(await decisionsOf(workerPoolId), ['wait']);
  });
});

describe('a round that has read its facts before a worker is told to go', () => {
  const facts = 'idle_since, is_draining';

  it('does not give tasks again to one that is drained meanwhile', async () => {
    const { workerPoolId, workers } = await busyPool(1, { provisioning: { scaleIn: {} } });
    const [worker] = workers;
    await resolvedTasks(ground, workerPoolId);
    await decide(workerPoolId);
    ground.clock.advance(seconds(61));
    await decide(workerPoolId);
    assert.deepEqual(await rowOf(worker), { isDraining: true, shouldTerminate: false });
    await pendingTasks(ground, workerPoolId, 1);
    const room = openRoom(
      ground,
      afterReadInside(ground.test.db, facts, () => ground.context.drainWorker(worker)),
    );
    await service.provision(room, { atOnce: [workerPoolId], limit: 100 });
    assert.deepEqual((await decisionsOf(workerPoolId)).slice(0, 1), ['resume'], 'the facts were old');
    assert.deepEqual(await rowOf(worker), { isDraining: true, shouldTerminate: true });
    ground.clock.advance(hours(1));
    await decide(workerPoolId);
    assert.equal((await workersOf(workerPoolId))[0]?.state, 'stopping');
    await resolvedTasks(ground, workerPoolId);
  });

  it('does not take back what a worker has heard when it asked', async () => {
    const { workerPoolId, workers } = await busyPool(1);
    const [worker] = workers;
    await resolvedTasks(ground, workerPoolId);
    await decide(workerPoolId);
    assert.deepEqual(await rowOf(worker), { isDraining: false, shouldTerminate: true });
    await pendingTasks(ground, workerPoolId, 1);
    const clientId = clientIdOf({ ...worker, providerId: 'fake' });
    const ask = () => ground.context.shouldWorkerTerminate({ ...worker, clientId });
    const room = openRoom(ground, afterReadInside(ground.test.db, facts, ask));
    await service.provision(room, { atOnce: [workerPoolId], limit: 100 });
    assert.ok((await decisionsOf(workerPoolId)).includes('stay'), 'the facts were old');
    assert.deepEqual(await rowOf(worker), { isDraining: true, shouldTerminate: true });
    await resolvedTasks(ground, workerPoolId);
  });

  it('is heard by a worker that asks just then', async () => {
    const { workerPoolId, workers } = await busyPool(1);
    const [worker] = workers;
    await resolvedTasks(ground, workerPoolId);
    await decide(workerPoolId);
    await pendingTasks(ground, workerPoolId, 1);
    const room = openRoom(
      ground,
      afterReadInside(ground.test.db, 'terminate_reason', () => decide(workerPoolId)),
    );
    const clientId = clientIdOf({ ...worker, providerId: 'fake' });
    const { terminate, reason } = await room.shouldWorkerTerminate({ ...worker, clientId });
    assert.equal(terminate, false);
    assert.match(reason, /Needed again/);
    assert.deepEqual(await rowOf(worker), { isDraining: false, shouldTerminate: false });
    await resolvedTasks(ground, workerPoolId);
  });
});
