import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { minutes, seconds } from '../base/index.ts';
import type { ProviderError } from './providers/provider.ts';
import { aGround, aMachinePool, type Ground, pendingTasks, stepsOn } from './testing/index.ts';

let ground: Ground;
before(async () => {
  ground = await aGround();
});
after(() => ground.test.drop());

const { decide, launch, workersOf, register, ordersFor, machinesOf } = stepsOn(() => ground);
const decisionsOf = async (workerPoolId: string) =>
  (await ground.context.listDecisions({ workerPoolId })).decisions;

/** Changes the config of a pool. */
const configured = async (workerPoolId: string, changes: Record<string, unknown>) => {
  const { providerId, description, owner, emailOnError, config } =
    await ground.context.readPool(workerPoolId);
  const definition = { providerId, description, owner, emailOnError, config: { ...config, ...changes } };
  return ground.context.updatePool({ workerPoolId, definition, authorize: () => {} });
};

describe('a launch config whose provider', () => {
  const launchConfigs = ['a', 'b'].map((launchConfigId) => ({ workerManager: { launchConfigId } }));
  const ordersOf = (workerPoolId: string, launchConfigId: string) =>
    ordersFor(workerPoolId).filter((order) => order.launchConfigId === launchConfigId);
  const refusals = { kind: 'creation-error', title: 'No', description: 'No.', isPassing: true };

  /** A pool in which "a" has just failed, and "b" is new. */
  const afterFailureOfA = async (error: ProviderError) => {
    const workerPoolId = await aMachinePool(ground, {
      launchConfigs: launchConfigs.slice(0, 1),
      maxCapacity: 100,
    });
    await pendingTasks(ground, workerPoolId, 1);
    await decide(workerPoolId);
    Object.assign(ground.fake.trouble, { error, startsAtMost: 0 });
    await launch();
    Object.assign(ground.fake.trouble, { error: undefined, startsAtMost: undefined });
    await configured(workerPoolId, { launchConfigs });
    await pendingTasks(ground, workerPoolId, 60);
    await decide(workerPoolId);
    await launch();
    return workerPoolId;
  };

  it('has no capacity is left out for a while', async () => {
    const error = { ...refusals, code: 'InsufficientInstanceCapacity', isShortage: true };
    const workerPoolId = await afterFailureOfA(error);
    assert.equal(ordersOf(workerPoolId, 'a').length, 1);
    assert.ok(ordersOf(workerPoolId, 'b').length > 0);
  });

  it('was asked too often, or did not answer once, is not', async () => {
    const workerPoolId = await afterFailureOfA({ ...refusals, code: 'RequestLimitExceeded' });
    assert.ok(ordersOf(workerPoolId, 'a').length > 1);
  });

  it('does not answer holds nothing up where there is another one, and the pool stays below its most', async (t) => {
    const workerPoolId = await aMachinePool(ground, { launchConfigs, maxCapacity: 70 });
    t.after(() => {
      delete ground.fake.trouble.unanswered;
    });
    ground.fake.trouble.unanswered = 'a';
    await pendingTasks(ground, workerPoolId, 40);
    const round = async () => {
      await decide(workerPoolId);
      await launch();
      ground.clock.advance(seconds(20));
    };
    await round();
    // The first are there soon; the estimator of the original waits for those that boot.
    for (const worker of await workersOf(workerPoolId)) await register(worker);
    for (let i = 0; i < 3; i++) await round();
    assert.equal(machinesOf(workerPoolId).length, 40);
    const [late] = ordersOf(workerPoolId, 'a');
    assert.ok(late && late.count > 5);
    delete ground.fake.trouble.unanswered;
    ground.clock.advance(minutes(5));
    for (let i = 0; i < 3; i++) await round();
    const all = machinesOf(workerPoolId).length;
    assert.ok(all === 40 + late.count && all <= 70, `${all} machines`);
  });
});

describe('an order that nobody has carried out yet', () => {
  for (const [what, change] of [
    [
      'is given another launch config',
      (id: string) => configured(id, { launchConfigs: [{ workerManager: { launchConfigId: 'new' } }] }),
    ],
    ['is deleted', (workerPoolId: string) => ground.context.deletePool({ workerPoolId })],
  ] as const) {
    it(`is dropped when the pool ${what}`, async () => {
      const workerPoolId = await aMachinePool(ground);
      await pendingTasks(ground, workerPoolId, 1);
      await decide(workerPoolId);
      await change(workerPoolId);
      await launch();
      assert.deepEqual(ordersFor(workerPoolId), []);
      const dropped = (await decisionsOf(workerPoolId)).find(({ action }) => action === 'launch');
      assert.equal(dropped?.outcome, 'abandoned');
      assert.match(dropped?.trouble ?? '', /^The pool was changed/);
    });
  }
});

describe('orders whose outcomes are known together', () => {
  it('are closed though one of them cannot be written', async (t) => {
    const [broken, sound] = [await aMachinePool(ground), await aMachinePool(ground)];
    for (const workerPoolId of [broken, sound]) {
      await pendingTasks(ground, workerPoolId, 2);
      await decide(workerPoolId);
    }
    ground.fake.trouble.brokenPool = broken;
    t.after(() => {
      delete ground.fake.trouble.brokenPool;
    });
    await launch();
    assert.equal((await workersOf(sound)).length, 2);
    const outcomeOf = async (id: string) =>
      (await decisionsOf(id)).find(({ action }) => action === 'launch')?.outcome;
    assert.deepEqual([await outcomeOf(broken), await outcomeOf(sound)], ['open', 'done']);
  });
});
