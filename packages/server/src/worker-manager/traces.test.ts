import assert from 'node:assert/strict';
import { it } from 'node:test';
import { minutes, seconds } from '../base/index.ts';
import {
  seeded,
  spotMarket,
  spotTrace,
  type Trace,
  workingDayTrace,
} from './provisioning/simulation/index.ts';
import { aCloudWorld, aFleet, type CloudWorld, workerPoolId } from './testing/cloud-world.ts';

// The traces of the simulator, each in a short form on the demo cloud: a day in which every hour lasts two minutes, with
// one of so many tasks, by the loops, the provider and the statements of the platform. What went wrong in the field
// is looked for in all of it.

const stepMs = seconds(30);
const hourMs = minutes(2);
const times = minutes(60) / hourMs;

/** When tasks come in the short form, and how long they take: every so manieth of the trace. */
const shortened = ({ atMs, durationMs }: Trace, every: number) =>
  [...atMs].flatMap((at, i) =>
    i % every === 0 ? [{ atMs: at / times, seconds: Math.ceil((durationMs[i] ?? 0) / 3000) }] : [],
  );

/** Adds the tasks of a trace as their time comes, until all are completed and all instances have ended. */
const replay = async (
  world: CloudWorld,
  tasks: ReturnType<typeof shortened>,
  each: (atMs: number) => void,
): Promise<string[]> => {
  const began = world.clock.now().getTime();
  const taskIds: string[] = [];
  const nowMs = () => world.clock.now().getTime() - began;
  for (let next = 0; next < tasks.length; ) {
    each(nowMs());
    for (; (tasks[next]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs(); next++) {
      taskIds.push(...(await world.add(1, { seconds: tasks[next]?.seconds ?? 0, retries: 20 })));
    }
    const waits = (await world.queue.countQueues())[0]?.pending ?? 0;
    await world.step(stepMs / 1000);
    if (waits > 0) assert.ok((await world.wanted()) > 0, `${waits} tasks wait, and nothing is wanted`);
  }
  // Places that had no capacity again and again are not asked for up to an hour.
  for (let i = 0; i < 60 && !(await world.completed(taskIds)); i++) await world.step(90);
  assert.ok(await world.completed(taskIds), 'some tasks are not completed');
  await world.until('all instances to end', () => world.alive().length === 0);
  await world.step();
  return taskIds;
};

/** Nothing of what our list of field failures names has happened. */
const assertSound = async (world: CloudWorld, taskIds: readonly string[]): Promise<void> => {
  assert.deepEqual(world.endedBusy, [], 'a busy instance was ended');
  const context = world.context();
  const { workers } = await context.listWorkers({ workerPoolId, limit: 1000 });
  assert.deepEqual([...new Set(workers.map(({ state }) => state))], ['stopped'], 'a ghost is left');
  assert.deepEqual(await world.queue.countQueues(), []);
  const statuses = await Promise.all(taskIds.map(world.statusOf));
  const lost = statuses.flatMap(({ runs }) => runs.flatMap(({ reasonResolved = '' }) => reasonResolved));
  assert.deepEqual(
    [...new Set(lost)].filter((reason) => !['completed', 'worker-shutdown'].includes(reason)),
    [],
  );
  const { decisions } = await context.listDecisions({ workerPoolId, limit: 1000 });
  const orders = decisions.filter(({ action }) => action === 'launch');
  assert.deepEqual(
    orders.filter(({ outcome }) => outcome === 'open'),
    [],
  );
  const ordered = orders.reduce((total, { count }) => total + count, 0);
  const instances = [...world.cloud.instances.values()];
  assert.ok(
    instances.length > 0 && instances.length <= ordered,
    `${instances.length} for orders of ${ordered}`,
  );
};

it('a working day: pushes, a full zone, throttled calls', async (t) => {
  const launchConfigs = [aFleet('small'), aFleet('large', { capacity: 4 })];
  const provisioning = { aimedPendingSeconds: 60, scaleIn: { idleSeconds: 60, packing: true } };
  const world = await aCloudWorld(t, { seed: 21, config: { provisioning, launchConfigs, maxCapacity: 60 } });
  world.conditions.capacityOf = ({ zone }) => (zone.endsWith('a') ? 0 : 20);
  world.conditions.isThrottled = () => world.random() < 0.1;
  const tasks = shortened(workingDayTrace(seeded(21)), 160);
  const taskIds = await replay(world, tasks, () => {});
  await assertSound(world, taskIds);
  t.diagnostic(`${taskIds.length} tasks, ${world.cloud.instances.size} instances`);
});

it('a spot market: prices that move, machines that are few and are taken back', async (t) => {
  const types = ['m5.large', 'm5a.large', 'c5.large'];
  const launchConfigs = ['small-a', 'small-b', 'small-c'].map((id, i) => {
    const { fleet, ...rest } = aFleet(id);
    return { ...rest, fleet: { ...fleet, instanceTypes: [types[i]] } };
  });
  const provisioning = { scaleIn: { idleSeconds: 60 }, priceSensitivity: 3 };
  const world = await aCloudWorld(t, { seed: 22, config: { provisioning, launchConfigs, maxCapacity: 60 } });
  const market = spotMarket(seeded(22));
  const hour = { now: 0 };
  const stateOf = (instanceType: string) =>
    market.find(
      ({ atMs, launchConfigId }) =>
        atMs / minutes(60) === hour.now && launchConfigId === `small-${'abc'[types.indexOf(instanceType)]}`,
    );
  // One of twenty, as there are of the tasks; each zone has a third.
  world.conditions.capacityOf = ({ instanceType }) =>
    Math.ceil((stateOf(instanceType)?.instancesMax ?? 0) / 60);
  world.conditions.usdPerHour = ({ instanceType }) => stateOf(instanceType)?.usdPerHour ?? 1;
  let interrupted = 0;
  const tasks = shortened(spotTrace(seeded(22)), 200);
  const taskIds = await replay(world, tasks, (atMs) => {
    hour.now = Math.min(47, Math.floor(atMs / hourMs));
    for (const instance of world.alive()) {
      const rate = stateOf(instance.place.instanceType)?.interruptionsPerHour ?? 0;
      if (instance.interruptedAt || world.random() > rate * (stepMs / hourMs)) continue;
      world.cloud.interrupt(instance);
      interrupted++;
    }
  });
  await assertSound(world, taskIds);
  t.diagnostic(
    `${taskIds.length} tasks, ${world.cloud.instances.size} instances, ${interrupted} interrupted`,
  );
  assert.ok(interrupted > 5);
});
