import assert from 'node:assert/strict';
import { it } from 'node:test';
import { slugid } from '@taskyard/client';
import { within } from '@taskyard/patience';
import { type Harm, startEc2Proxy } from './support/ec2-proxy.ts';
import { skipWithoutMoto, startMoto } from './support/moto.ts';
import type { Ending } from './support/platform.ts';
import {
  allCompleted,
  aMortalPlatform,
  assertDecided,
  createTasks,
  definitionOf,
  environmentOf,
  machinesOf,
  region,
  taskCount,
  tell,
  untilAllHaveEnded,
  untilCompleted,
  workerPoolId,
} from './support/spot-pool.ts';

/** An image that moto has from the start. */
const imageId = 'ami-12c6146b';

/** EC2 as others have built it, behind what does to us what it cannot do. */
const aHostileEc2 = async (test: Ending) => {
  const startMachine = await machinesOf(test);
  const moto = await startMoto(test);
  let machines = 0;
  let fleets = 0;
  const dead = new Set<string>();
  const beforeAnswer: (() => void)[] = [];
  const harm: Harm = {
    isThrottled: (_action, number) => number % 9 === 4 && number < 60,
    losesAnswer: (action) => {
      if (action !== 'CreateFleet') return false;
      fleets++;
      const happen = beforeAnswer.shift();
      happen?.();
      // The first answers nobody but the killed platform waits for; of the others one more is lost.
      return happen !== undefined || fleets === 3;
    },
    isFull: (zone) => zone === `${region}a`,
    granted: (count) => Math.max(1, Math.ceil(0.7 * count)),
    works: (id) => {
      machines++;
      if (machines % 20 !== 7) return true;
      dead.add(id);
      return false;
    },
    hiddenMs: 2000,
    bootMs: 500,
    noticeMs: 5000,
  };
  const ec2 = await startEc2Proxy(moto, harm, startMachine);
  test.after(() => ec2.close());
  return { ec2, dead, beforeAnswer };
};

it('many tasks are completed on instances of an EC2 that is not ours, through two crashes', {
  skip: skipWithoutMoto,
}, async (t) => {
  const { ec2, dead, beforeAnswer } = await aHostileEc2(t);
  const keys = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
  const platform = await aMortalPlatform(
    t,
    await environmentOf({ endpoint: ec2.endpoint, certificate: ec2.certificate, keys }),
  );
  const { clients } = platform;
  await clients().manager.createWorkerPool(workerPoolId, definitionOf(imageId));
  const taskGroupId = slugid();
  // EC2 has started instances, and whoever asked for them is gone before it hears of it.
  const killed = new Promise<void>((resolve) => {
    beforeAnswer.push(() => {
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
  const working = [...ec2.instances.values()].filter(({ id, state }) => state === 'running' && !dead.has(id));
  const taken = working.slice(0, Math.ceil(working.length / 10));
  for (const instance of taken) ec2.interrupt(instance);
  const statuses = await allCompleted(clients, taskGroupId, firstPart);

  const instances = () => [...ec2.instances.values()];
  await untilAllHaveEnded(clients(), instances);
  await assertDecided(clients(), instances());
  const errors = ec2.calls.flatMap(({ error }) => error ?? []);
  assert.ok(errors.includes('RequestLimitExceeded') && taken.length > 0 && dead.size > 0);
  assert.ok(!errors.includes('IdempotentParameterMismatch'));
  // EC2 shows an order's instances by their tags, so none was started twice for an answer that was lost.
  assert.ok(ec2.calls.some(({ isLost }) => isLost));
  tell(t, statuses, { instances: instances(), taken: taken.length, broken: 0, dead: dead.size });
  t.diagnostic(`${ec2.calls.length} calls of EC2, errors: ${[...new Set(errors)].join(', ')}`);
});
