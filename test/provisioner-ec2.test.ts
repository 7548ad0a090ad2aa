import assert from 'node:assert/strict';
import { it } from 'node:test';
import { slugid } from '@taskyard/client';
import { within } from '@taskyard/patience';
import { type Conditions, type DemoCloud, type Instance, startDemoCloud } from '@taskyard/server';
import type { Ending } from './support/platform.ts';
import {
  allCompleted,
  aMortalPlatform,
  assertDecided,
  createTasks,
  definitionOf,
  environmentOf,
  machinesOf,
  taskCount,
  tell,
  untilAllHaveEnded,
  untilCompleted,
  workerPoolId,
} from './support/spot-pool.ts';

/** What the cloud does to us. */
const aHostileCloud = async (test: Ending) => {
  const startMachine = await machinesOf(test);
  let calls = 0;
  let machines = 0;
  const beforeFleet: (() => void)[] = [];
  const dead = new Set<string>();
  const conditions: Partial<Conditions> = {
    bootMs: 500,
    shutdownMs: 300,
    // Two minutes, when more time is available.
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
    // One of 20 never registers.
    works: (id) => {
      machines++;
      if (machines % 20 !== 7) return true;
      dead.add(id);
      return false;
    },
  };
  const cloud: DemoCloud = await startDemoCloud({ conditions: () => conditions, startMachine });
  test.after(() => cloud.close());
  return { cloud, dead, beforeFleet };
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

it('many tasks are completed by instances that come, are taken back, are broken, and go, through two crashes', async (t) => {
  const { cloud, dead, beforeFleet } = await aHostileCloud(t);
  const platform = await aMortalPlatform(t, await environmentOf(cloud));
  const { clients } = platform;
  await clients().manager.createWorkerPool(workerPoolId, definitionOf('ami-0test'));
  const taskGroupId = slugid();
  // EC2 starts instances, but the process that ordered them ends before it gets the reply.
  const killed = new Promise<void>((resolve) => {
    beforeFleet.push(() => {
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
  const { broken, taken } = takeBackSome(cloud, dead);
  const statuses = await allCompleted(clients, taskGroupId, firstPart);

  await untilAllHaveEnded(clients(), () => [...cloud.instances.values()]);
  const instances = [...cloud.instances.values()];
  await assertDecided(clients(), instances);
  const isFull = ({ place }: Instance) => place.zone.endsWith('a');
  assert.deepEqual(instances.filter(isFull), []);
  const throttled = cloud.calls.filter(({ error }) => error === 'RequestLimitExceeded').length;
  assert.ok(throttled > 0 && taken.length > 0 && dead.size > 0);
  assert.equal(broken?.stateReason?.code, 'Server.InternalError');

  tell(t, statuses, { instances, taken: taken.length, broken: 1, dead: dead.size });
  t.diagnostic(`${cloud.calls.length} calls of EC2, ${throttled} of them throttled`);
});
