import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { within } from '@taskyard/patience';
import { days, hours, later, minutes, RequestError, seconds } from '../base/index.ts';
import { messagesIn } from '../testing/index.ts';
import * as service from './service/index.ts';
import { deleteOldDecisions, deleteOldSamples } from './service/sweeps.ts';
import type { WorkerRef } from './store/index.ts';
import {
  aGround,
  aMachinePool,
  claimedTasks,
  type Ground,
  pendingTasks,
  resolvedTasks,
  stepsOn,
} from './testing/index.ts';

let ground: Ground;
before(async () => {
  ground = await aGround();
});
after(() => ground.test.drop());

const {
  decide,
  launch,
  sweep,
  workersOf,
  register,
  ordersFor: orderedFor,
  machinesOf,
} = stepsOn(() => ground);
const decisionsOf = async (workerPoolId: string) =>
  (await ground.context.listDecisions({ workerPoolId })).decisions;
const refOf = ({ workerPoolId, workerGroup, workerId }: WorkerRef): WorkerRef => ({
  workerPoolId,
  workerGroup,
  workerId,
});
const hasCode = (code: string) => (error: unknown) => error instanceof RequestError && error.code === code;

/** A pool with workers that have registered. */
const runningWorkers = async (count: number, config: Record<string, unknown> = {}) => {
  const workerPoolId = await aMachinePool(ground, config);
  await pendingTasks(ground, workerPoolId, count);
  await decide(workerPoolId);
  await launch();
  const workers = (await workersOf(workerPoolId)).map(refOf);
  for (const worker of workers) await register(worker);
  return { workerPoolId, workers };
};
const sentAbout = async (workerPoolId: string) =>
  (await messagesIn(ground.test.db))
    .filter(({ body }) => body.workerPoolId === workerPoolId && body.workerId !== undefined)
    .map(({ exchange }) => exchange.split('/').at(-1));

describe('a pool with tasks that wait', () => {
  it('gets workers, by one order for one decision', async () => {
    const workerPoolId = await aMachinePool(ground);
    await pendingTasks(ground, workerPoolId, 3);
    await decide(workerPoolId);
    await launch();
    await launch();
    const [order, ...more] = orderedFor(workerPoolId);
    assert.deepEqual(more, []);
    assert.equal(order?.count, 3);
    assert.deepEqual(
      (await workersOf(workerPoolId)).map(({ state }) => state),
      ['requested', 'requested', 'requested'],
    );
    const [decision] = await decisionsOf(workerPoolId);
    assert.equal(decision?.action, 'launch');
    assert.equal(decision?.token, order?.token);
    assert.equal(decision?.outcome, 'done');
    assert.equal(decision?.started, 3);
    assert.deepEqual(await sentAbout(workerPoolId), Array(3).fill('worker-requested'));
  });

  it('gets no more while the order is open, nor once the workers are requested', async () => {
    const workerPoolId = await aMachinePool(ground);
    await pendingTasks(ground, workerPoolId, 4);
    await decide(workerPoolId);
    await decide(workerPoolId);
    await launch();
    await decide(workerPoolId);
    await launch();
    assert.deepEqual(
      orderedFor(workerPoolId).map(({ count }) => count),
      [4],
    );
  });

  it('has one decision when many processes decide at the same time', async () => {
    const workerPoolId = await aMachinePool(ground);
    await pendingTasks(ground, workerPoolId, 2);
    await Promise.all(Array.from({ length: 8 }, () => decide(workerPoolId)));
    await Promise.all(Array.from({ length: 8 }, launch));
    assert.equal(machinesOf(workerPoolId).length, 2);
    assert.equal((await workersOf(workerPoolId)).length, 2);
  });

  it('gets the workers that were started though the reply was lost, and none twice', async () => {
    const workerPoolId = await aMachinePool(ground);
    await pendingTasks(ground, workerPoolId, 2);
    await decide(workerPoolId);
    ground.fake.trouble.answerIsLost = true;
    await launch();
    ground.fake.trouble.answerIsLost = false;
    assert.equal((await workersOf(workerPoolId)).length, 0);
    await decide(workerPoolId);
    ground.clock.advance(seconds(11));
    await launch();
    const tokens = orderedFor(workerPoolId).map(({ token, attempt }) => [token, attempt]);
    assert.deepEqual(tokens, [
      [tokens[0]?.[0], 1],
      [tokens[0]?.[0], 2],
    ]);
    assert.equal(machinesOf(workerPoolId).length, 2);
    assert.equal((await workersOf(workerPoolId)).length, 2);
  });

  it('tells its owner why workers could not be started, and counts that against the launch config', async () => {
    const workerPoolId = await aMachinePool(ground, { emailOnError: true });
    await pendingTasks(ground, workerPoolId, 4);
    await decide(workerPoolId);
    Object.assign(ground.fake.trouble, {
      startsAtMost: 1,
      error: { kind: 'creation-error', title: 'No such image', description: 'It is gone.', code: 'NoImage' },
    });
    await launch();
    Object.assign(ground.fake.trouble, { startsAtMost: undefined, error: undefined });
    const [decision] = await decisionsOf(workerPoolId);
    assert.equal(decision?.outcome, 'partial');
    assert.equal(decision?.trouble, 'No such image (NoImage)');
    const { workerPoolErrors } = await ground.context.listErrors({ workerPoolId });
    assert.deepEqual(
      workerPoolErrors.map(({ title, launchConfigId, extra }) => [title, launchConfigId, extra]),
      [['No such image', 'lc', { code: 'NoImage' }]],
    );
    assert.match(ground.mails.at(-1)?.subject ?? '', /No such image/);
    await decide(workerPoolId);
    const [next] = await decisionsOf(workerPoolId);
    assert.match(next?.reason ?? '', /1 of 1 errors of the last hour/);
  });

  it('gives up an order that stays open for an hour', async () => {
    const workerPoolId = await aMachinePool(ground);
    await pendingTasks(ground, workerPoolId, 1);
    await decide(workerPoolId);
    ground.fake.trouble.answerIsLost = true;
    await launch();
    ground.fake.trouble.answerIsLost = false;
    ground.clock.advance(hours(1) + minutes(10));
    await launch();
    const abandoned = (await decisionsOf(workerPoolId)).find(({ outcome }) => outcome === 'abandoned');
    assert.ok(abandoned);
    assert.equal((await workersOf(workerPoolId)).length, 0);
    assert.equal(machinesOf(workerPoolId).length, 1);
    await sweep();
    assert.equal(machinesOf(workerPoolId).length, 0);
  });
});

describe('a pool with nothing to do', () => {
  it('keeps one decision for a wait that goes on', async () => {
    const workerPoolId = await aMachinePool(ground);
    for (let i = 0; i < 5; i++) {
      await decide(workerPoolId);
      ground.clock.advance(minutes(2));
    }
    const decisions = await decisionsOf(workerPoolId);
    assert.deepEqual(
      decisions.map(({ action, times, count }) => ({ action, times, count })),
      [{ action: 'wait', times: 5, count: 0 }],
    );
  });

  it('tells surplus workers that they may end, and takes that back', async () => {
    const { workerPoolId, workers } = await runningWorkers(2);
    await resolvedTasks(ground, workerPoolId);
    await decide(workerPoolId);
    for (const worker of workers) {
      const { terminate, reason } = await ground.context.shouldWorkerTerminate(worker);
      assert.equal(terminate, true);
      assert.match(reason, /Over capacity/);
    }
    await pendingTasks(ground, workerPoolId, 2);
    await decide(workerPoolId);
    for (const worker of workers) {
      assert.equal((await ground.context.shouldWorkerTerminate(worker)).terminate, false);
    }
  });

  it('ends idle workers by itself when it is told to scale in', async () => {
    const provisioning = { scaleIn: { idleSeconds: 30 } };
    const { workerPoolId, workers } = await runningWorkers(2, { provisioning });
    await claimedTasks(ground, workers[0] as WorkerRef, 1);
    await ground.test.db`delete from pending where task_queue_id = ${workerPoolId}`;
    await decide(workerPoolId);
    ground.clock.advance(seconds(40));
    await decide(workerPoolId);
    await resolvedTasks(ground, workerPoolId);
    await decide(workerPoolId);
    ground.clock.advance(seconds(40));
    await decide(workerPoolId);
    assert.equal(machinesOf(workerPoolId).length, 2);
    await decide(workerPoolId);
    await service.endWorkers(ground.context, 'fake', 100);
    assert.deepEqual(machinesOf(workerPoolId), []);
    await sweep();
    assert.deepEqual(
      (await workersOf(workerPoolId)).map(({ state }) => state),
      ['stopped', 'stopped'],
    );
  });
});

describe('a worker that is to go because it is idle', () => {
  const provisioning = { scaleIn: { idleSeconds: 30 } };
  const isBarred = async ({ workerPoolId, workerGroup, workerId }: WorkerRef): Promise<boolean> => {
    await ground.context.start();
    return ground.context.isBarred(workerPoolId, workerGroup, workerId);
  };

  it('stays until its task has ended, if it was just claiming one', async () => {
    const { workerPoolId, workers } = await runningWorkers(2, { provisioning });
    const [late, idle] = workers as [WorkerRef, WorkerRef];
    await ground.test.db`delete from pending where task_queue_id = ${workerPoolId}`;
    await decide(workerPoolId);
    ground.clock.advance(seconds(40));
    await decide(workerPoolId);
    assert.deepEqual([await isBarred(late), await isBarred(idle)], [true, true]);
    await pendingTasks(ground, workerPoolId, 1);
    await claimedTasks(ground, late, 1);
    await decide(workerPoolId);
    const states = async () =>
      new Map((await workersOf(workerPoolId)).map(({ workerId, state }) => [workerId, state]));
    assert.equal((await states()).get(idle.workerId), 'stopping');
    assert.equal((await states()).get(late.workerId), 'running');
    await resolvedTasks(ground, workerPoolId);
    await decide(workerPoolId);
    assert.equal((await states()).get(late.workerId), 'stopping');
  });

  it('is the one that ends first anyway, by the settings of its pool', async () => {
    const workerPoolId = await aMachinePool(ground, {
      minCapacity: 1,
      provisioning,
      launchConfigs: [
        {
          workerManager: { launchConfigId: 'lc' },
          workerConfig: { taskyard: { lifetimeSecondsMax: 3600 } },
        },
      ],
    });
    await pendingTasks(ground, workerPoolId, 2);
    await decide(workerPoolId);
    await launch();
    const [first, second] = (await workersOf(workerPoolId)).map(refOf) as [WorkerRef, WorkerRef];
    await register(second);
    ground.clock.advance(seconds(5));
    await register(first);
    await ground.test.db`delete from pending where task_queue_id = ${workerPoolId}`;
    await decide(workerPoolId);
    ground.clock.advance(seconds(40));
    await decide(workerPoolId);
    assert.deepEqual([await isBarred(first), await isBarred(second)], [false, true]);
  });
});

describe('a pool that packs', () => {
  it('lets the emptier worker take no more tasks, and takes that back when more wait', async () => {
    const workerPoolId = await aMachinePool(ground, {
      provisioning: { scaleIn: { idleSeconds: 0, packing: true } },
      launchConfigs: [{ workerManager: { launchConfigId: 'lc', capacityPerInstance: 4 } }],
    });
    await pendingTasks(ground, workerPoolId, 8);
    await decide(workerPoolId);
    await launch();
    const [fuller, emptier] = (await workersOf(workerPoolId)).map(refOf) as [WorkerRef, WorkerRef];
    for (const worker of [fuller, emptier]) await register(worker);
    await claimedTasks(ground, fuller, 2);
    await claimedTasks(ground, emptier, 1);
    await ground.test.db`delete from pending where task_queue_id = ${workerPoolId}`;
    const isBarred = async ({ workerGroup, workerId }: WorkerRef): Promise<boolean> => {
      await ground.context.start();
      return ground.context.isBarred(workerPoolId, workerGroup, workerId);
    };
    await decide(workerPoolId);
    assert.deepEqual([await isBarred(fuller), await isBarred(emptier)], [false, true]);
    assert.equal(ground.context.isRevoked(`worker/fake/${workerPoolId}/zone/${emptier.workerId}`), false);
    await pendingTasks(ground, workerPoolId, 4);
    await decide(workerPoolId);
    assert.equal(await isBarred(emptier), false);
  });

  const window = { capacity: 1, start: '0 8 * * *', seconds: 3600 };
  for (const [what, config, field] of [
    [
      'a schedule that cannot be read',
      { provisioning: { warm: [window, { ...window, start: 'at noon' }] } },
      'provisioning.warm[1].start',
    ],
    [
      'a time that never comes',
      { provisioning: { warm: [{ ...window, start: '0 8 30 2 *' }] } },
      'provisioning.warm[0].start',
    ],
    [
      'a time zone that is none',
      { provisioning: { warm: [{ ...window, timezone: 'Berlin' }] } },
      'provisioning.warm[0].timezone',
    ],
    [
      'a time zone without a name',
      { provisioning: { warm: [{ ...window, timezone: '' }] } },
      'provisioning.warm[0].timezone',
    ],
    ['no time to register', { lifecycle: { registrationTimeout: 0 } }, 'lifecycle.registrationTimeout'],
    [
      'no time until it registers again',
      { lifecycle: { reregistrationTimeout: -1 } },
      'lifecycle.reregistrationTimeout',
    ],
  ] as const) {
    it(`is refused with ${what}, by the name of the field`, async () => {
      await assert.rejects(aMachinePool(ground, config), (error) => {
        assert.ok(error instanceof RequestError && error.code === 'InputError');
        assert.ok(error.message.startsWith(`config.${field} `), error.message);
        return true;
      });
    });
  }

  it('may be warm on the 29th of February, or in a year that is over', async () => {
    const provisioning = {
      warm: [
        { ...window, start: '0 8 29 2 *' },
        { ...window, start: '0 0 8 1 1 * 2020' },
      ],
    };
    const workerPoolId = await aMachinePool(ground, { provisioning });
    await decide(workerPoolId);
    assert.equal((await decisionsOf(workerPoolId))[0]?.action, 'wait');
  });
});

describe('a worker of a provider with machines', () => {
  it('registers with its proof, and the time until then is its boot time', async () => {
    const { workerPoolId } = await runningWorkers(1);
    assert.deepEqual(await sentAbout(workerPoolId), ['worker-requested', 'worker-running']);
    const [worker] = await workersOf(workerPoolId);
    assert.equal(worker?.state, 'running');
    const other = { ...refOf(worker as WorkerRef), workerId: 'unknown' };
    await assert.rejects(register(other), hasCode('ResourceNotFound'));
  });

  it('that is gone is stopped, and what it had claimed is given to others', async () => {
    const { workerPoolId, workers } = await runningWorkers(1);
    const [worker] = workers as [WorkerRef];
    ground.fake.machines.delete(worker.workerId);
    await sweep();
    await sweep();
    assert.equal((await workersOf(workerPoolId))[0]?.state, 'stopped');
    assert.deepEqual(
      ground.lost.filter((id) => id === worker.workerId),
      [worker.workerId],
    );
    assert.deepEqual(await sentAbout(workerPoolId), ['worker-requested', 'worker-running', 'worker-stopped']);
    await assert.rejects(register(worker), hasCode('InputError'));
  });

  it('that was removed is ended by its provider, and its credentials are refused', async () => {
    const { workerPoolId, workers } = await runningWorkers(1);
    const [worker] = workers as [WorkerRef];
    const clientId = `worker/fake/${workerPoolId}/${worker.workerGroup}/${worker.workerId}`;
    await ground.context.start();
    assert.equal(ground.context.isRevoked(clientId), false);
    await ground.context.removeWorker(worker, 'not wanted');
    await ground.context.removeWorker(worker, 'not wanted');
    await ground.context.start();
    assert.equal(ground.context.isRevoked(clientId), true);
    assert.equal(ground.context.isBarred(workerPoolId, worker.workerGroup, worker.workerId), true);
    assert.equal((await workersOf(workerPoolId))[0]?.state, 'stopping');
    await service.endWorkers(ground.context, 'fake', 100);
    assert.deepEqual(
      ground.fake.ended.filter((id) => id === worker.workerId),
      [worker.workerId],
    );
    await sweep();
    const sent = await sentAbout(workerPoolId);
    assert.deepEqual(sent, ['worker-requested', 'worker-running', 'worker-removed', 'worker-stopped']);
  });

  it('is asked to end again when it is still there after a minute', async () => {
    const { workers } = await runningWorkers(1);
    const [worker] = workers as [WorkerRef];
    await ground.context.removeWorker(worker, 'not wanted');
    await service.endWorkers(ground.context, 'fake', 100);
    await service.endWorkers(ground.context, 'fake', 100);
    ground.clock.advance(seconds(61));
    await service.endWorkers(ground.context, 'fake', 100);
    assert.equal(ground.fake.ended.filter((id) => id === worker.workerId).length, 2);
  });

  it('that does not register in time is ended', async () => {
    const workerPoolId = await aMachinePool(ground, { lifecycle: { registrationTimeout: 300 } });
    await pendingTasks(ground, workerPoolId, 1);
    await decide(workerPoolId);
    await launch();
    await service.endOverdueWorkers(ground.context, 100);
    assert.equal((await workersOf(workerPoolId))[0]?.state, 'requested');
    ground.clock.advance(seconds(301));
    await service.endOverdueWorkers(ground.context, 100);
    assert.equal((await workersOf(workerPoolId))[0]?.state, 'stopping');
    const { workerPoolErrors } = await ground.context.listErrors({ workerPoolId });
    assert.deepEqual(
      workerPoolErrors.map(({ title, launchConfigId }) => [title, launchConfigId]),
      [['Worker did not register in time', 'lc']],
    );
  });

  it('that asks for no work for too long is ended', async () => {
    const { workerPoolId } = await runningWorkers(1, { lifecycle: { queueInactivityTimeout: 1800 } });
    ground.clock.advance(minutes(29));
    await service.endQuietWorkers(ground.context);
    assert.equal((await workersOf(workerPoolId))[0]?.state, 'running');
    ground.clock.advance(minutes(2));
    await service.endQuietWorkers(ground.context);
    assert.equal((await workersOf(workerPoolId))[0]?.state, 'stopping');
  });
});

describe('a machine of no known worker', () => {
  it('is ended, but not while its order is open', async () => {
    const workerPoolId = await aMachinePool(ground);
    await pendingTasks(ground, workerPoolId, 1);
    await decide(workerPoolId);
    ground.fake.trouble.answerIsLost = true;
    await launch();
    ground.fake.trouble.answerIsLost = false;
    const stranger = { workerPoolId, workerGroup: 'zone', workerId: 'stranger', token: 'of-nobody' };
    ground.fake.machines.set('stranger', stranger);
    await sweep();
    assert.deepEqual(
      machinesOf(workerPoolId).map(({ token }) => token),
      [orderedFor(workerPoolId)[0]?.token],
    );
  });
});

describe('a pool that is paused', () => {
  const pauseOf = async (id: string) =>
    (await ground.context.listPauses({})).pauses.find(({ workerPoolId }) => workerPoolId === id);

  it('gets nothing new, not even its least capacity, while its workers go on', async () => {
    const { workerPoolId, workers } = await runningWorkers(1, { minCapacity: 2 });
    const pause = { reason: 'No money left' };
    await ground.context.pausePool({ workerPoolId, pause });
    const since = ground.clock.now().toJSON();
    assert.deepEqual(await pauseOf(workerPoolId), { workerPoolId, since, reason: 'No money left' });
    const before = orderedFor(workerPoolId).length;
    await pendingTasks(ground, workerPoolId, 5);
    await decide(workerPoolId);
    await launch();
    assert.equal(orderedFor(workerPoolId).length, before);
    const [decision] = await decisionsOf(workerPoolId);
    assert.equal(decision?.action, 'wait');
    assert.match(decision?.reason ?? '', /the pool is paused, so nothing is started: No money left\.$/);
    const [worker] = workers as [WorkerRef];
    await claimedTasks(ground, worker, 1);
    assert.equal((await ground.context.shouldWorkerTerminate(worker)).terminate, false);
    ground.clock.advance(seconds(10));
    await ground.context.pausePool({ workerPoolId });
    assert.equal(await pauseOf(workerPoolId), undefined);
    await decide(workerPoolId);
    await launch();
    assert.ok(orderedFor(workerPoolId).length > before);
    await resolvedTasks(ground, workerPoolId);
  });

  it('stays so when its definition changes, and is paused and resumed as often as somebody likes', async () => {
    const workerPoolId = await aMachinePool(ground);
    const since = ground.clock.now().toJSON();
    await ground.context.pausePool({ workerPoolId, pause: { reason: 'a' } });
    ground.clock.advance(minutes(1));
    const two = await ground.context.pausePool({ workerPoolId, pause: { reason: 'b' } });
    const pause = { workerPoolId, since, reason: 'b' };
    assert.deepEqual(await pauseOf(workerPoolId), pause);
    const { providerId, description, owner, emailOnError, config } = two;
    const definition = { providerId, description, owner, emailOnError, config };
    await ground.context.updatePool({
      workerPoolId,
      definition: { ...definition, description: 'New' },
      authorize: () => {},
    });
    assert.deepEqual(await pauseOf(workerPoolId), pause);
    for (let i = 0; i < 2; i++) {
      await ground.context.pausePool({ workerPoolId });
      assert.equal(await pauseOf(workerPoolId), undefined);
    }
    const nowhere = ground.context.pausePool({ workerPoolId: 'no/pool' });
    await assert.rejects(nowhere, hasCode('ResourceNotFound'));
  });

  it('has orders called back that nobody was asked to carry out', async () => {
    const workerPoolId = await aMachinePool(ground);
    await pendingTasks(ground, workerPoolId, 3);
    await decide(workerPoolId);
    await ground.context.pausePool({ workerPoolId, pause: { reason: '' } });
    await launch();
    assert.deepEqual(orderedFor(workerPoolId), []);
    assert.deepEqual(
      (await decisionsOf(workerPoolId)).map(({ outcome }) => outcome),
      ['abandoned'],
    );
    assert.deepEqual((await ground.context.listErrors({ workerPoolId })).workerPoolErrors, []);
    await resolvedTasks(ground, workerPoolId);
  });
});

describe('workers that fill the least capacity', () => {
  const workerConfig = {
    taskyard: { idleTimeoutSeconds: 60, capacity: 1 },
    genericWorker: { config: { idleTimeoutSecs: 60, x: 1 } },
  };
  const launchConfigs = [{ workerManager: { launchConfigId: 'lc' }, workerConfig }];

  it('never stop themselves where the pool keeps them, and the others do', async () => {
    const provisioning = { scaleIn: {}, keepMinimum: true };
    const workerPoolId = await aMachinePool(ground, { minCapacity: 2, provisioning, launchConfigs });
    await pendingTasks(ground, workerPoolId, 3);
    await decide(workerPoolId);
    await launch();
    const configs: object[] = [];
    for (const worker of await workersOf(workerPoolId)) {
      configs.push((await register(refOf(worker))).workerConfig);
      ground.clock.advance(seconds(1));
    }
    const kept = { taskyard: { capacity: 1 }, genericWorker: { config: { idleTimeoutSecs: 0, x: 1 } } };
    assert.deepEqual(configs, [kept, kept, workerConfig]);
    await resolvedTasks(ground, workerPoolId);
  });

  it('cannot be kept where nothing ends the surplus', async () => {
    const made = aMachinePool(ground, { provisioning: { keepMinimum: true }, launchConfigs });
    await assert.rejects(made, hasCode('InputError'));
  });
});

describe('a config that can never be fulfilled', () => {
  const lc = (workerManager: object = {}, id = 'lc') => ({
    workerManager: { launchConfigId: id, ...workerManager },
  });
  const never = (workerManager: object) => [lc(workerManager), lc(workerManager, 'other')];
  const configs: readonly (readonly [field: string, config: Record<string, unknown>])[] = [
    ['config.minCapacity', { minCapacity: 11 }],
    ['config.minCapacity', { minCapacity: 1, maxCapacity: 0 }],
    ['config.launchConfigs', { minCapacity: 1, launchConfigs: [] }],
    ['config.launchConfigs', { minCapacity: 1, launchConfigs: never({ initialWeight: 0 }) }],
    ['config.launchConfigs', { minCapacity: 1, launchConfigs: never({ maxCapacity: 0 }) }],
    ['config.launchConfigs', { minCapacity: 1, launchConfigs: never({ capacityPerInstance: 11 }) }],
    [
      'config.provisioning.warm[0].capacity',
      { provisioning: { warm: [{ capacity: 11, start: '0 8 * * *', seconds: 60 }] } },
    ],
    [
      'config.launchConfigs[0].workerManager.minPricePerUtility',
      { launchConfigs: [lc({ minPricePerUtility: 2, maxPricePerUtility: 1 })] },
    ],
    ['minCapacity', { minCapacity: -1 }],
    ['maxCapacity', { maxCapacity: -1 }],
    ['scalingRatio', { scalingRatio: 1.1 }],
    ['initialWeight', { launchConfigs: [lc({ initialWeight: 1.5 })] }],
    ['initialWeight', { launchConfigs: [lc({ initialWeight: -0.1 })] }],
    ['capacityPerInstance', { launchConfigs: [lc({ capacityPerInstance: 0 })] }],
    ['maxCapacity', { launchConfigs: [lc({ maxCapacity: -1 })] }],
  ];
  for (const [field, config] of configs) {
    it(`is refused by its field: ${JSON.stringify(config)}`, async () => {
      await assert.rejects(aMachinePool(ground, config), (error: RequestError) => {
        assert.match(error.code, /^Input(Validation)?Error$/);
        assert.ok(error.message.includes(field), error.message);
        return true;
      });
    });
  }

  it('is taken where nothing is wanted, and where one launch config can start a worker', async () => {
    await aMachinePool(ground, { launchConfigs: [] });
    await aMachinePool(ground, { launchConfigs: [lc({ initialWeight: 0 })] });
    await aMachinePool(ground, {
      minCapacity: 10,
      launchConfigs: [...never({ initialWeight: 0 }), lc({}, 'good')],
    });
  });

  it('is read, listed, decided about and paused where a pool has it since before, and mended by an update', async () => {
    const workerPoolId = await aMachinePool(ground);
    await ground.test.db`
      update worker_pools set config = ${JSON.stringify({ minCapacity: 3, maxCapacity: 2, launchConfigs: [] })}
       where worker_pool_id = ${workerPoolId}`;
    const pool = await ground.context.readPool(workerPoolId);
    assert.equal(pool.config.minCapacity, 3);
    assert.ok((await ground.context.listPools({})).workerPools.length > 0);
    await decide(workerPoolId);
    await launch();
    assert.deepEqual(
      orderedFor(workerPoolId).map(({ count }) => count),
      [2],
    );
    await ground.context.pausePool({ workerPoolId, pause: { reason: '' } });
    await ground.context.pausePool({ workerPoolId });
    const { providerId, description, owner, emailOnError, config } = pool;
    const updated = (changed: object) =>
      ground.context.updatePool({
        workerPoolId,
        definition: { providerId, description, owner, emailOnError, config: { ...config, ...changed } },
        authorize: () => {},
      });
    await assert.rejects(updated({}), hasCode('InputError'));
    await updated({ maxCapacity: 3 });
    await ground.context.deletePool({ workerPoolId });
  });
});

describe('a pool with numbers beyond all counting', () => {
  it('keeps no other one waiting, and is read as it was written', async () => {
    const most = 3_000_000_000;
    const launchConfigs = [{ workerManager: { launchConfigId: 'huge', capacityPerInstance: most } }];
    const huge = await aMachinePool(ground, { minCapacity: most, maxCapacity: most, launchConfigs });
    const other = await aMachinePool(ground);
    await pendingTasks(ground, other, 1);
    await service.provision(ground.context, { atOnce: [huge, other], limit: 100 });
    await launch();
    await service.provision(ground.context, { atOnce: [huge, other], limit: 100 });
    assert.equal((await workersOf(other)).length, 1);
    assert.equal((await workersOf(huge)).length, 1);
    assert.equal((await ground.context.readPool(huge)).config.minCapacity, most);
    await ground.context.deletePool({ workerPoolId: huge });
  });
});

describe('a clock that was set back by days', () => {
  it('keeps no pool, no order, no sweep and no end of a worker waiting', async () => {
    const { workers } = await runningWorkers(1);
    const [leaving] = workers as [WorkerRef];
    const quiet = await aMachinePool(ground);
    const launchConfigs = [{ workerManager: { launchConfigId: 'away' } }];
    const away = await aMachinePool(ground, { launchConfigs });
    await pendingTasks(ground, away, 1);
    ground.fake.trouble.unanswered = 'away';
    await service.provision(ground.context, { atOnce: [quiet, away], limit: 100 });
    await launch();
    await sweep();
    await ground.context.removeWorker(leaving, 'not wanted');
    await service.endWorkers(ground.context, 'fake', 100);
    ground.fake.trouble.unanswered = '';
    ground.clock.advance(-days(2));
    await pendingTasks(ground, quiet, 1);
    await service.provision(ground.context, { atOnce: [], limit: 100 });
    await launch();
    assert.equal((await workersOf(quiet)).length, 1, 'its round');
    assert.equal((await workersOf(away)).length, 1, 'its order');
    await service.endWorkers(ground.context, 'fake', 100);
    assert.equal(ground.fake.ended.filter((id) => id === leaving.workerId).length, 2, 'its end');
    assert.ok((await service.sweep(ground.context, 'fake', { isAtOnce: false })) > 0, 'the sweep');
    ground.clock.advance(days(2));
  });
});

describe('the figures of a pool', () => {
  it('are what it wants, has to spare, suffers and starts for nothing', async () => {
    const { workerPoolId, workers } = await runningWorkers(3);
    await pendingTasks(ground, workerPoolId, 20);
    const [worker] = workers as [WorkerRef];
    await claimedTasks(ground, worker, 1);
    await decide(workerPoolId);
    const ours = <T extends { workerPoolId: string }>(rows: readonly T[]) =>
      rows.filter((row) => row.workerPoolId === workerPoolId);
    const { figures, boots } = await ground.context.measurePools();
    assert.deepEqual(ours(figures), [{ workerPoolId, wanted: 10, idle: 2, usdPerHour: 0 }]);
    assert.equal(ours(boots).length, 1);
    await resolvedTasks(ground, workerPoolId);
    await ground.context.removeWorker(worker, 'not wanted');
    await ground.context.reportWorkerError({
      workerPoolId,
      workerGroup: 'zone',
      workerId: worker.workerId,
      kind: 'worker-error',
      title: 'Broken',
      description: '',
      extra: {},
    });
    const { errors, shortLives } = await ground.context.measurePools();
    assert.deepEqual(ours(errors), [{ workerPoolId, kind: 'worker-error', count: 1 }]);
    assert.deepEqual(ours(shortLives), [{ workerPoolId, count: 1 }]);
  });
});

describe('decisions', () => {
  it('are listed in pages, the latest first, and kept for a week', async () => {
    const workerPoolId = await aMachinePool(ground);
    for (let i = 1; i <= 3; i++) {
      await pendingTasks(ground, workerPoolId, 1);
      await decide(workerPoolId);
      await launch();
      ground.clock.advance(days(1));
    }
    const first = await ground.context.listDecisions({
      workerPoolId,
      limit: 2,
    });
    const { continuationToken } = first;
    const rest = await ground.context.listDecisions({
      workerPoolId,
      limit: 2,
      continuationToken,
    });
    const ids = [...first.decisions, ...rest.decisions].map(({ decisionId }) => decisionId);
    assert.equal(ids.length, 3);
    assert.deepEqual(
      ids,
      ids.toSorted((a, b) => b - a),
    );
    await deleteOldDecisions(ground.context, ground.clock.now(), 1000);
    assert.deepEqual(await decisionsOf(workerPoolId), []);
  });
});

describe('the samples of a pool', () => {
  it('are means of what it had in each quarter of an hour, without a price where one is not known', async () => {
    const samplesOf = async (workerPoolId: string) =>
      (await ground.context.listSamples({ workerPoolId })).samples.map(({ begins: _, ...rest }) => rest);
    const quarter = minutes(15);
    ground.clock.advance(quarter - (ground.clock.now().getTime() % quarter));
    const workerPoolId = await aMachinePool(ground);
    await pendingTasks(ground, workerPoolId, 2);
    await decide(workerPoolId);
    await launch();
    // Soon after the round before: it does not count twice as much as others.
    await decide(workerPoolId);
    assert.deepEqual(await samplesOf(workerPoolId), [{ workers: 0, running: 0, idle: 0, usdPerHour: 0 }]);
    await ground.test.db.transaction(async (tx) => {
      await tx`select from pool_samples where worker_pool_id = ${workerPoolId} for update`;
      await within('a round that adds nothing, beside a lock on the sums', decide(workerPoolId));
    });
    ground.clock.advance(minutes(1));
    await decide(workerPoolId);
    assert.deepEqual(await samplesOf(workerPoolId), [{ workers: 1, running: 0, idle: 0 }]);
    for (const worker of (await workersOf(workerPoolId)).map(refOf)) await register(worker);
    ground.clock.advance(quarter);
    await decide(workerPoolId);
    const [, second] = await samplesOf(workerPoolId);
    assert.deepEqual(second, { workers: 2, running: 2, idle: 2 });
    await deleteOldSamples(ground.context, later(ground.clock.now(), -minutes(10)), 1000);
    assert.equal((await samplesOf(workerPoolId)).length, 1);
  });
});
