import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { minutes } from '../base/index.ts';
import * as service from './service/index.ts';
import {
  aGround,
  aMachinePool,
  endingDatabase,
  type Ground,
  type OpenedPools,
  openRoom,
  pendingTasks,
  resolvedTasks,
} from './testing/index.ts';

let ground: Ground;
before(async () => {
  ground = await aGround();
});
after(() => ground.test.drop());

/** Runs one step of each loop. */
const runOnce = async (context: OpenedPools, workerPoolId: string): Promise<void> => {
  await service.provision(context, { atOnce: [workerPoolId], limit: 100 });
  await service.launchWorkers(context, 'fake', 100);
  await service.endWorkers(context, 'fake', 100);
  await service.sweep(context, 'fake', { isAtOnce: true });
};

const machinesOf = (workerPoolId: string): string[] =>
  [...ground.fake.machines.values()]
    .filter((machine) => machine.workerPoolId === workerPoolId)
    .map(({ workerId }) => workerId)
    .sort();

const aliveOf = async (workerPoolId: string): Promise<string[]> => {
  const { workers } = await ground.context.listWorkers({ workerPoolId });
  return workers
    .filter(({ state }) => state !== 'stopped')
    .map(({ workerId }) => workerId)
    .sort();
};

/** Runs a process that ends at a call to its database; returns whether it ended before it was done. */
const endsMeanwhile = async (
  ending: { at: number; isAfter: boolean },
  act: (context: OpenedPools) => Promise<void>,
): Promise<boolean> => {
  const { db, hasEnded } = endingDatabase(ground.test.db, ending);
  try {
    await act(openRoom(ground, db));
  } catch (error) {
    if (!hasEnded()) throw error;
  }
  // What an ended process had locked is free for the next one.
  ground.clock.advance(minutes(2));
  return hasEnded();
};

/** A pool in which three tasks wait. */
const aBusyPool = async (): Promise<string> => {
  const workerPoolId = await aMachinePool(ground, { lifecycle: { registrationTimeout: 86_400 } });
  await pendingTasks(ground, workerPoolId, 3);
  return workerPoolId;
};

for (const isAfter of [false, true]) {
  const when = isAfter ? 'after' : 'before';

  it(`a process that ends ${when} any of its writes loses no worker, and none is started twice`, async () => {
    let at = 1;
    for (let hasEnded = true; hasEnded; at++) {
      const workerPoolId = await aBusyPool();
      hasEnded = await endsMeanwhile({ at, isAfter }, (context) => runOnce(context, workerPoolId));
      await runOnce(ground.context, workerPoolId);
      assert.equal(machinesOf(workerPoolId).length, 3);
      assert.deepEqual(await aliveOf(workerPoolId), machinesOf(workerPoolId));
      const orders = ground.fake.orders.filter((order) => order.workerPoolId === workerPoolId);
      assert.equal(new Set(orders.map(({ token }) => token)).size, 1);
    }
    assert.ok(at > 8, 'it ended too seldom to prove anything');
  });

  it(`a process that ends ${when} any of its writes leaves no worker that is to end`, async () => {
    let at = 1;
    for (let hasEnded = true; hasEnded; at++) {
      const workerPoolId = await aBusyPool();
      await runOnce(ground.context, workerPoolId);
      const { workers } = await ground.context.listWorkers({ workerPoolId });
      const { workerGroup = '', workerId = '' } = workers[0] ?? {};
      await resolvedTasks(ground, workerPoolId);
      const remove = (context: OpenedPools) =>
        context.removeWorker({ workerPoolId, workerGroup, workerId }, 'not wanted');
      hasEnded = await endsMeanwhile({ at, isAfter }, async (context) => {
        await remove(context);
        await runOnce(context, workerPoolId);
      });
      await remove(ground.context);
      await runOnce(ground.context, workerPoolId);
      assert.equal(machinesOf(workerPoolId).length, 2);
      assert.deepEqual(await aliveOf(workerPoolId), machinesOf(workerPoolId));
    }
    assert.ok(at > 8, 'it ended too seldom to prove anything');
  });
}
