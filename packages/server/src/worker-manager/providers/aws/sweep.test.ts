import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { minutes, seconds } from '../../../base/index.ts';
import type { Instance } from '../../../demo-cloud/index.ts';
import { aCloud, anOrder, aWorker, fleet, region, type TestCloud } from './testing.ts';

/** Instances that have booted. */
const someInstances = async ({ machines, cloud, clock }: TestCloud, count = 2): Promise<Instance[]> => {
  await machines.launch([anOrder({ count })]);
  clock.advance(seconds(10));
  return [...cloud.instances.values()];
};

describe('a sweep of EC2', () => {
  it('tells which workers run, stop or are gone, and why', async (t) => {
    const test = await aCloud(t);
    const { cloud, clock, machines } = test;
    const instances = await someInstances(test, 4);
    const [runs, taken, failing, ended] = instances as [Instance, Instance, Instance, Instance];
    const known = instances.map((instance) => aWorker(instance, { created: clock.now() }));
    const idOf = ({ id }: Instance) => ({
      workerPoolId: 'demo/cloud',
      workerGroup: region,
      workerId: id,
      facts: {},
    });
    await machines.terminate([idOf(ended)]);
    clock.advance(seconds(5));
    cloud.interrupt(taken);
    clock.advance(minutes(2));
    cloud.fail(failing);
    const { workers, strays } = await machines.sweep(known);
    const byId = new Map(workers.map((worker) => [worker.workerId, worker]));
    assert.equal(byId.get(runs.id)?.state, 'running');
    assert.equal(byId.get(taken.id)?.state, 'stopping');
    assert.equal(byId.get(taken.id)?.isInterrupted, true);
    assert.match(byId.get(taken.id)?.reason ?? '', /Spot instance termination/);
    assert.equal(byId.get(failing.id)?.isInterrupted, true);
    assert.equal(byId.get(ended.id)?.state, 'gone');
    assert.equal(byId.get(ended.id)?.isInterrupted, false);
    assert.deepEqual(strays, []);
    clock.advance(seconds(5));
    const later = await machines.sweep(known);
    assert.equal(later.workers.find(({ workerId }) => workerId === taken.id)?.state, 'gone');
    assert.deepEqual(byId.get(runs.id)?.facts?.zone, runs.place.zone);
  });

  it('finds our instances that belong to no known worker, with their order', async (t) => {
    const test = await aCloud(t);
    const order = anOrder({ count: 1 });
    await test.machines.launch([order]);
    const [instance] = [...test.cloud.instances.values()];
    const { strays, workers } = await test.machines.sweep([]);
    assert.deepEqual(workers, []);
    assert.deepEqual(
      strays.map(({ workerId, token, workerPoolId }) => ({ workerId, token, workerPoolId })),
      [{ workerId: instance?.id, token: order.token, workerPoolId: 'demo/cloud' }],
    );
    await test.machines.terminate(strays);
    assert.deepEqual((await test.machines.sweep([])).strays, []);
  });

  it('gives EC2 time to show what it has just started, and not more', async (t) => {
    const { clock, machines } = await aCloud(t);
    const worker = aWorker({ id: 'i-00000000000000000' }, { created: clock.now() });
    assert.deepEqual((await machines.sweep([worker])).workers, []);
    clock.advance(minutes(4));
    const { workers } = await machines.sweep([worker]);
    assert.equal(workers[0]?.state, 'gone');
  });

  it('reads all pages, and knows workers whose tags were lost', async (t) => {
    const test = await aCloud(t);
    const { clock, machines } = test;
    const instances = await someInstances(test, 1203);
    instances[7]?.tags.clear();
    const known = instances.map((instance) => aWorker(instance, { created: clock.now() }));
    const { workers, strays } = await machines.sweep(known);
    assert.equal(workers.filter(({ state }) => state === 'running').length, 1203);
    assert.deepEqual(strays, []);
    assert.equal(test.cloud.calls.filter(({ action }) => action === 'DescribeInstances').length, 7 + 3);
  });

  it('reports no worker as gone when EC2 does not reply', async (t) => {
    const test = await aCloud(t);
    const [instance] = await someInstances(test, 1);
    test.conditions.isThrottled = () => true;
    const known = [aWorker(instance as Instance, { created: test.clock.now() })];
    assert.deepEqual(await test.machines.sweep(known), { workers: [], strays: [], errors: [] });
  });

  it('tells the owners of pools once an hour why a region cannot be read', async (t) => {
    const test = await aCloud(t);
    const [instance] = await someInstances(test, 1);
    const known = [aWorker(instance as Instance, { created: test.clock.now() })];
    const { machines } = test.another({ secretAccessKey: 'wrong' });
    const codesOf = async () => (await machines?.sweep(known))?.errors?.map(({ code }) => code);
    assert.deepEqual(await codesOf(), ['AuthFailure']);
    assert.deepEqual(await codesOf(), []);
    test.clock.advance(minutes(61));
    assert.deepEqual(await codesOf(), ['AuthFailure']);
  });

  it('also reads regions that were used earlier', async (t) => {
    const test = await aCloud(t);
    const configuration = { region: 'us-west-2', fleet: { ...fleet, availabilityZones: ['us-west-2a'] } };
    await test.machines.launch([anOrder({ configuration, count: 1 })]);
    const { strays } = (await test.another().machines?.sweep([])) ?? {};
    assert.equal(strays?.[0]?.workerGroup, 'us-west-2');
  });
});

describe('ending instances', () => {
  it('may be repeated, also for instances that do not exist', async (t) => {
    const test = await aCloud(t);
    const { cloud, machines, clock } = test;
    const instances = await someInstances(test, 3);
    const wanted = [...instances.map(({ id }) => id), 'i-11111111111111111', 'i-22222222222222222'].map(
      (id) => ({
        workerPoolId: 'demo/cloud',
        workerGroup: region,
        workerId: id,
        facts: {},
      }),
    );
    await machines.terminate(wanted);
    await machines.terminate(wanted);
    clock.advance(seconds(3));
    assert.deepEqual([...new Set([...cloud.instances.values()].map(({ state }) => state))], ['terminated']);
  });
});

describe('prices', () => {
  const priced = (configuration: object) => [
    { workerPoolId: 'demo/cloud', launchConfigId: 'one', configuration: configuration as never },
  ];

  it('are the least of all places that have capacity, and asked for again after some minutes', async (t) => {
    const { cloud, clock, machines, conditions } = await aCloud(t);
    conditions.usdPerHour = ({ zone, instanceType }) =>
      zone.endsWith('b') && instanceType === 'm5.large' ? 0.03 : 0.07;
    const configs = priced({ region, fleet });
    assert.equal((await machines.prices?.(configs))?.[0]?.usdPerHour, 0.03);
    await machines.prices?.(configs);
    assert.equal(cloud.calls.length, 1);
    conditions.usdPerHour = () => 0.05;
    clock.advance(minutes(6));
    assert.equal((await machines.prices?.(configs))?.[0]?.usdPerHour, 0.05);
    conditions.capacityOf = ({ zone }) => (zone.endsWith('b') ? 0 : 10);
    conditions.usdPerHour = ({ zone }) => (zone.endsWith('b') ? 0.01 : 0.06);
    await machines.launch([anOrder()]);
    clock.advance(minutes(1));
    assert.equal((await machines.prices?.(configs))?.[0]?.usdPerHour, 0.05);
    clock.advance(minutes(4.5));
    await machines.launch([anOrder()]);
    assert.equal((await machines.prices?.(configs))?.[0]?.usdPerHour, 0.06);
  });

  it('of a config that names a subnet are the least of all zones, whatever the id of the subnet ends with', async (t) => {
    const { machines, conditions } = await aCloud(t);
    conditions.usdPerHour = ({ zone }) => (zone.endsWith('b') ? 0.02 : 0.04);
    for (const SubnetId of ['subnet-0123456789abcde1f', 'subnet-0123456789abcdeff']) {
      const launchConfig = {
        ImageId: 'ami-1',
        InstanceType: 'm5.large',
        SubnetId,
        InstanceMarketOptions: { MarketType: 'spot' },
      };
      assert.equal((await machines.prices?.(priced({ region, launchConfig })))?.[0]?.usdPerHour, 0.02);
    }
  });

  it('of instances on demand are those of the pool, and unknown without', async (t) => {
    const { machines } = await aCloud(t);
    const bought = { ...fleet, purchase: 'on-demand' };
    assert.deepEqual(await machines.prices?.(priced({ region, fleet: bought })), []);
    const told = priced({ region, fleet: { ...bought, onDemandUsdPerHour: 0.4 } });
    assert.equal((await machines.prices?.(told))?.[0]?.usdPerHour, 0.4);
  });

  it('are left out while EC2 does not tell them, without asking again at once', async (t) => {
    const { cloud, machines, conditions } = await aCloud(t);
    conditions.isThrottled = () => true;
    assert.deepEqual(await machines.prices?.(priced({ region, fleet })), []);
    const before = cloud.calls.length;
    assert.deepEqual(await machines.prices?.(priced({ region, fleet })), []);
    assert.equal(cloud.calls.length, before);
  });
});
