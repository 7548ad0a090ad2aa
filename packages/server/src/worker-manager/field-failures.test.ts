import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { hours, later, minutes, runLoops, seconds, silentLog } from '../base/index.ts';
import { aCloudWorld, aFleet, type CloudWorld, region, workerPoolId } from './testing/cloud-world.ts';

// What other provisioners did in the field, each once on the demo cloud: its number and name are those of our list.

const scaleIn = { provisioning: { scaleIn: { idleSeconds: 30 } } };
// One where both have been tried on another Node.
const seeds = process.env.TASKYARD_TEST_AGAIN ? [2] : [1, 2];
const steps = async (world: CloudWorld, count: number, each: () => Promise<void> | void = () => {}) => {
  for (let i = 0; i < count; i++) {
    await each();
    await world.step();
  }
};
const stateOf = async ({ context }: CloudWorld) =>
  (await context().listWorkers({ workerPoolId })).workers.map(({ state }) => state);

describe('field failures', () => {
  for (const seed of seeds) {
    it(`1: a busy instance is never ended as idle, whatever its boot took and its secrets do (seed ${seed})`, async (t) => {
      const config = { ...scaleIn, launchConfigs: [aFleet('spot', { capacity: 2 })], maxCapacity: 12 };
      const world = await aCloudWorld(t, { seed, config });
      const tasks: string[] = [];
      await steps(world, 40, async () => {
        world.conditions.bootMs = seconds(1 + Math.floor(200 * world.random()));
        if (world.random() < 0.3) await world.rotate();
        if (world.random() < 0.5) {
          const lasting = Math.floor(400 * world.random());
          tasks.push(...(await world.add(Math.floor(6 * world.random()), { seconds: lasting })));
        }
      });
      await world.until('all tasks to be completed', () => world.completed(tasks));
      await world.until('all instances to end', () => world.alive().length === 0);
      assert.ok(tasks.length > 20 && world.cloud.instances.size > 5);
      assert.deepEqual(world.endedBusy, []);
    });

    it(`2: what is wanted never drops to 0 while hundreds wait, however many calls fail (seed ${seed})`, async (t) => {
      const config = { ...scaleIn, launchConfigs: [aFleet('spot', { capacity: 20 })], maxCapacity: 200 };
      const world = await aCloudWorld(t, { seed, config });
      const tasks = await world.add(300, { seconds: 200 });
      const least: number[] = [];
      world.conditions.isThrottled = (action) => action === 'CreateFleet' && world.random() < 0.8;
      world.conditions.capacityOf = () => (world.random() < 0.5 ? 0 : 3);
      await steps(world, 12, async () => {
        await world.step();
        const [counts] = await world.queue.countQueues();
        if ((counts?.pending ?? 0) > 0) least.push(await world.wanted());
      });
      assert.ok(least.length > 6, 'tasks have waited all the time');
      const few = least.filter((wanted) => wanted < 20);
      assert.deepEqual(few, [], 'never less than one instance is wanted');
      world.conditions.isThrottled = () => false;
      world.conditions.capacityOf = () => 100;
      await world.until('all tasks to be completed', () => world.completed(tasks));
    });
  }

  for (const capacity of [1, 4]) {
    it(`3: a least capacity of 1 settles at one instance, and 0 at none, with ${capacity} places each`, async (t) => {
      const launchConfigs = [aFleet('spot', { capacity })];
      const world = await aCloudWorld(t, { seed: 3, config: { ...scaleIn, launchConfigs, minCapacity: 1 } });
      await steps(world, 25);
      const [only, ...others] = world.alive();
      assert.ok(only && others.length === 0);
      const start = world.clock.now().toJSON().slice(11, 16).split(':').reverse().map(Number).join(' ');
      const warm = [{ capacity: 1, start: `${start} * * *`, seconds: 86_400 }];
      await world.configure({ provisioning: { ...scaleIn.provisioning, warm }, launchConfigs });
      await steps(world, 20);
      assert.deepEqual(
        [...world.cloud.instances.keys()],
        [only.id],
        'the same instance all the time, also for a warm minimum',
      );
      await world.configure({ ...scaleIn, launchConfigs });
      await world.until('the last instance to end', () => world.alive().length === 0, 30);
      await steps(world, 10);
      assert.equal(world.cloud.instances.size, 1);
    });
  }

  it('4: an instance that dies gives its task to another one, and never fails it', async (t) => {
    const world = await aCloudWorld(t, { seed: 4, config: scaleIn });
    const [taskId = ''] = await world.add(1, { seconds: 300 });
    for (let died = 0; died < 3; died++) {
      await world.until('the task to run', async () => (await world.statusOf(taskId)).state === 'running');
      const [instance] = world.alive();
      assert.ok(instance);
      world.cloud.fail(instance);
      await world.step();
    }
    await world.until('the task to be completed', () => world.completed([taskId]));
    const { runs, retriesLeft } = await world.statusOf(taskId);
    assert.deepEqual(
      runs.map(({ state, reasonResolved }) => [state, reasonResolved]),
      [...Array(3).fill(['exception', 'worker-shutdown']), ['completed', 'completed']],
    );
    assert.equal(retriesLeft, 2);
  });

  it('5: a wake-up that is lost or garbled costs one slow poll', async (t) => {
    const world = await aCloudWorld(t, { seed: 5, config: scaleIn });
    const loop = world.context().loops.find(({ name }) => name === 'provision');
    assert.ok(loop);
    await loop.step(200);
    const poolsChanged = world.context().poolsChanged;
    for (const garbage of [[''], ['no pool'], ['\ud800/\u0000'], [workerPoolId.repeat(50)]])
      poolsChanged.wake(garbage);
    // The queue's signal reaches nobody here: all wake-ups about tasks are lost.
    await world.add(1);
    world.clock.advance(minutes(1));
    await loop.step(200);
    assert.equal((await world.context().listDecisions({ workerPoolId })).decisions[0]?.action, 'launch');
  });

  it('6: an interrupted spot worker leaves no ghost', async (t) => {
    const world = await aCloudWorld(t, { seed: 6, config: scaleIn });
    const tasks = await world.add(4, { seconds: 200 });
    await world.until(
      'all to run',
      () => world.agents.all().filter((each) => each.tasks.size > 0).length === 4,
    );
    const taken = world.alive().slice(0, 2);
    for (const instance of taken) world.cloud.interrupt(instance);
    await world.until('all tasks to be completed', () => world.completed(tasks));
    await world.until('all instances to end', () => world.alive().length === 0);
    await steps(world, 2);
    assert.deepEqual([...new Set(await stateOf(world))], ['stopped']);
    const pool = await world.context().readPool(workerPoolId);
    assert.deepEqual([pool.currentCapacity, pool.stoppingCount, pool.requestedCount], [0, 0, 0]);
    assert.deepEqual(await world.queue.countQueues(), [], 'nothing waits, nothing is claimed');
    for (const { id } of taken) {
      assert.ok(world.context().isRevoked(`worker/cloud/${workerPoolId}/${region}/${id}`));
    }
  });

  it('7: no task uses up a retry while there is no capacity', async (t) => {
    const world = await aCloudWorld(t, { seed: 7, config: scaleIn });
    world.conditions.capacityOf = () => 0;
    const tasks = await world.add(5, { retries: 1 });
    for (let minute = 0; minute < 40; minute += 2) await world.step(120);
    for (const taskId of tasks) {
      const { state, retriesLeft, runs } = await world.statusOf(taskId);
      assert.deepEqual([state, retriesLeft, runs.length], ['pending', 1, 1]);
    }
    world.conditions.capacityOf = () => 10;
    // Places that had no capacity again and again are not asked for up to an hour.
    for (let minute = 0; minute < 60; minute += 5) await world.step(300);
    await world.until('all tasks to be completed', () => world.completed(tasks));
    assert.equal((await world.statusOf(tasks[0] ?? '')).retriesLeft, 1);
  });

  it('8: no capacity is bought for work that may not run yet, or not any more', async (t) => {
    const world = await aCloudWorld(t, { seed: 8, config: { ...scaleIn, maxCapacity: 50 } });
    const late = await world.add(20, { deadlineMs: hours(1) });
    world.clock.advance(minutes(61));
    const [first = ''] = await world.add(1, { seconds: 100 });
    const others = await world.add(30, { dependencies: [first], seconds: 20 });
    await world.until('the first task to run', async () => (await world.statusOf(first)).state === 'running');
    await steps(world, 3);
    assert.equal(world.cloud.instances.size, 1);
    await world.until('all tasks to be completed', () => world.completed([first, ...others]));
    assert.ok(world.cloud.instances.size > 5);
    assert.notEqual((await world.statusOf(late[0] ?? '')).state, 'completed');
  });

  it('9: under a constant load no instance lives for less than two minutes', async (t) => {
    const world = await aCloudWorld(t, { seed: 9, config: { ...scaleIn, maxCapacity: 20 } });
    const tasks: string[] = [];
    const load = (count: number) =>
      steps(world, count, async () => {
        tasks.push(...(await world.add(1, { seconds: 50 })));
      });
    // What was started in a hurry goes first.
    await load(40);
    const settled = world.clock.now();
    await load(60);
    const lives = [...world.cloud.instances.values()]
      .filter(({ endedAt }) => endedAt && endedAt > settled)
      .map(({ launchTime, endedAt }) => (endedAt?.getTime() ?? 0) - launchTime.getTime());
    assert.deepEqual(
      lives.filter((ms) => ms < minutes(2)),
      [],
    );
    world.clock.advance(hours(1));
    assert.deepEqual((await world.context().measurePools()).shortLives, []);
    assert.equal(tasks.length, 100);
  });

  it('10: an instance that was accepted and never started its worker is replaced after registrationTimeout', async (t) => {
    const lifecycle = { registrationTimeout: 180 };
    const world = await aCloudWorld(t, { seed: 10, config: { ...scaleIn, lifecycle } });
    world.conditions.works = () => false;
    const tasks = await world.add(1);
    const began = world.clock.now();
    await world.until('the instance to have booted', () => world.alive()[0]?.state === 'running');
    const [dead] = world.alive();
    world.conditions.works = () => true;
    await world.until('the task to be completed', () => world.completed(tasks));
    assert.notEqual(dead?.state, 'running');
    assert.equal(world.cloud.instances.size, 2);
    assert.ok(world.clock.now() < later(began, minutes(7)));
    const { workerPoolErrors } = await world.context().listErrors({ workerPoolId });
    assert.equal(workerPoolErrors[0]?.title, 'Worker did not register in time');
  });

  it('11: a region without stock moves the work elsewhere within a minute', async (t) => {
    const launchConfigs = [aFleet('here'), aFleet('there', { at: 'us-west-2' })];
    const provisioning = { aimedPendingSeconds: 0, scaleIn: {} };
    const world = await aCloudWorld(t, { seed: 11, config: { provisioning, launchConfigs } });
    world.conditions.capacityOf = (place) => (place.region === region ? 0 : 100);
    await world.add(30, { seconds: 600 });
    await steps(world, 6);
    assert.deepEqual([...new Set(world.alive().map(({ place }) => place.region))], ['us-west-2']);
    assert.ok(world.alive().length >= 30, `${world.alive().length} instances for 30 tasks`);
  });

  it('12: a restart of the platform ends no instance', async (t) => {
    const world = await aCloudWorld(t, { seed: 12, config: { ...scaleIn, minCapacity: 2 } });
    const tasks = await world.add(6, { seconds: 200 });
    await world.until('some to run', () => world.agents.all().some((each) => each.tasks.size > 0));
    const before = world.alive().map(({ id }) => id);
    for (let restarts = 0; restarts < 3; restarts++) {
      await world.restart();
      await world.step();
    }
    assert.deepEqual(
      before.filter((id) => !world.alive().some((instance) => instance.id === id)),
      [],
    );
    assert.equal(world.cloud.instances.size, before.length);
    await world.until('all tasks to be completed', () => world.completed(tasks));
    for (const taskId of tasks) assert.equal((await world.statusOf(taskId)).runs.length, 1);
    assert.ok(before.length >= 6);
  });
});

describe('the first worker of an empty pool', () => {
  it('claims within two seconds of the task and its boot, by wake-ups alone', async (t) => {
    const world = await aCloudWorld(t, { seed: 13, config: scaleIn });
    const { clock, cloud } = world;
    const context = world.context();
    const loops = context.loops.filter(({ name }) => name === 'provision' || name === 'launch-cloud');
    const running = runLoops(loops, { clock, log: silentLog });
    t.after(async () => {
      clock.advance(hours(1));
      await running.stop();
    });
    const decisions = async () => (await context.listDecisions({ workerPoolId })).decisions;
    await eventually('the pool to be known', async () => (await decisions()).length > 0);
    clock.advance(seconds(5));
    const [taskId = ''] = await world.add(1);
    context.pendingChanged.wake([workerPoolId]);
    const created = clock.now();
    // A round follows another one after a second at the soonest.
    clock.advance(seconds(1));
    await eventually('the order', () => {
      clock.advance(0);
      return cloud.instances.size === 1;
    });
    const [instance] = [...cloud.instances.values()];
    assert.equal(instance?.launchTime.getTime(), later(created, seconds(1)).getTime());
    await eventually(
      'the worker to be known',
      async () => (await context.listWorkers({ workerPoolId })).workers.length === 1,
    );
    // The machine runs once the instance has booted: it registers and claims at once.
    clock.advance(seconds(30));
    await world.work();
    const { state, runs } = await world.statusOf(taskId);
    assert.deepEqual([state, runs[0]?.workerId], ['running', instance?.id]);
    assert.ok(new Date(runs[0]?.started ?? 0) <= later(created, seconds(30) + seconds(2)));
  });
});
