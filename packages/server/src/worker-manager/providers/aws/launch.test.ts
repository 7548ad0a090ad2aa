import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { minutes } from '../../../base/index.ts';
import type { LaunchOutcome } from '../provider.ts';
import { aCloud, anOrder, fleet, region } from './testing.ts';

const idsIn = (outcome: LaunchOutcome | undefined): string[] => {
  assert.ok(outcome && 'workers' in outcome, JSON.stringify(outcome));
  return outcome.workers.map(({ workerId }) => workerId).sort();
};
const only = (outcomes: readonly LaunchOutcome[]): LaunchOutcome => {
  assert.equal(outcomes.length, 1);
  return outcomes[0] as LaunchOutcome;
};

describe('orders on EC2', () => {
  it('start spot instances where they are cheapest, with tags and user data that name their pool', async (t) => {
    const { cloud, machines } = await aCloud(t);
    const order = anOrder({
      configuration: {
        region,
        fleet,
        workerConfig: { taskyard: { capacity: 2 } },
        additionalUserData: { x: 1 },
      },
    });
    const outcome = only(await machines.launch([order]));
    assert.deepEqual(idsIn(outcome), [...cloud.instances.keys()].sort());
    assert.equal(cloud.instances.size, 3);
    const [instance] = [...cloud.instances.values()];
    assert.ok(instance);
    assert.equal(instance.place.purchase, 'spot');
    assert.match(instance.place.instanceType, /large$/);
    assert.deepEqual(Object.fromEntries(instance.tags), {
      CreatedBy: 'taskcluster-wm-cloud',
      ManagedBy: 'taskcluster',
      RootUrl: 'https://taskyard.example.com',
      Name: 'demo/cloud',
      WorkerPoolId: 'demo/cloud',
      Owner: 'owner@example.com',
      LaunchConfigId: 'lc-one',
      Decision: order.token,
    });
    assert.deepEqual(JSON.parse(Buffer.from(instance.userData ?? '', 'base64').toString()), {
      x: 1,
      rootUrl: 'https://taskyard.example.com',
      workerPoolId: 'demo/cloud',
      providerId: 'cloud',
      workerGroup: region,
      launchConfigId: 'lc-one',
      workerConfig: { taskyard: { capacity: 2 } },
    });
    assert.ok('workers' in outcome);
    assert.deepEqual(outcome.workers[0]?.workerGroup, region);
    assert.equal(outcome.workers[0]?.facts.accountId, '123456789012');
  });

  it('that come again start nothing, also when the reply was lost and another process asks', async (t) => {
    const { cloud, machines, another } = await aCloud(t);
    const order = anOrder();
    const first = idsIn(only(await machines.launch([order])));
    const again = await another().machines?.launch([{ ...order, attempt: 2 }]);
    assert.deepEqual(idsIn(again?.[0]), first);
    assert.equal(cloud.instances.size, 3);
  });

  it('that come again are the same call, though other places are avoided by then and EC2 shows nothing yet', async (t) => {
    const { cloud, machines, conditions, another } = await aCloud(t);
    const order = anOrder();
    const first = idsIn(only(await machines.launch([order])));
    conditions.capacityOf = () => 0;
    await machines.launch([anOrder()]);
    conditions.unseenMs = minutes(1);
    const again = await another().machines?.launch([{ ...order, attempt: 2 }]);
    assert.deepEqual(idsIn(again?.[0]), first);
    assert.equal(cloud.instances.size, 3);
    assert.equal(cloud.calls.filter(({ error }) => error === 'IdempotentParameterMismatch').length, 0);
  });

  it('avoid places without capacity, for longer each time, and take what others have', async (t) => {
    const { cloud, clock, machines, conditions } = await aCloud(t);
    conditions.capacityOf = ({ zone }) => (zone.endsWith('a') ? 0 : 1000);
    conditions.usdPerHour = ({ zone }) => (zone.endsWith('a') ? 0.01 : 0.02);
    const asked: string[] = [];
    const isAsked = async () => {
      const before = asked.length;
      conditions.capacityOf = ({ zone }) => {
        asked.push(zone);
        return zone.endsWith('a') ? 0 : 1000;
      };
      assert.equal(idsIn(only(await machines.launch([anOrder()]))).length, 3);
      return asked.slice(before).some((zone) => zone.endsWith('a'));
    };
    assert.equal(await isAsked(), true);
    assert.equal(await isAsked(), false);
    clock.advance(minutes(2.1));
    assert.equal(await isAsked(), true);
    clock.advance(minutes(2.1));
    assert.equal(await isAsked(), false);
    clock.advance(minutes(2));
    assert.equal(await isAsked(), true);
    assert.equal(cloud.instances.size, 15);
  });

  it('end with an error that blames no launch config when there is no capacity at all, and ask no more', async (t) => {
    const { cloud, machines, conditions } = await aCloud(t);
    conditions.capacityOf = () => 0;
    const outcome = only(await machines.launch([anOrder()]));
    assert.ok('errors' in outcome);
    assert.deepEqual(
      outcome.errors.map(({ code, isPassing }) => ({ code, isPassing })),
      [{ code: 'InsufficientInstanceCapacity', isPassing: true }],
    );
    const calls = cloud.calls.length;
    const next = only(await machines.launch([anOrder()]));
    assert.ok('errors' in next);
    assert.equal(next.errors[0]?.code, 'NoCapacityLately');
    assert.equal(cloud.calls.length, calls);
  });

  it('buy on demand what there is no spot capacity for, where the pool wants that', async (t) => {
    const { cloud, machines, conditions } = await aCloud(t);
    conditions.capacityOf = ({ purchase, zone, instanceType }) =>
      purchase === 'on-demand' ? 1000 : zone.endsWith('b') && instanceType === 'm5.large' ? 1 : 0;
    const configuration = { region, fleet: { ...fleet, purchase: 'spot-then-on-demand' } };
    const outcome = only(await machines.launch([anOrder({ configuration })]));
    assert.equal(idsIn(outcome).length, 3);
    const bought = [...cloud.instances.values()].map(({ place }) => place.purchase).sort();
    assert.deepEqual(bought, ['on-demand', 'on-demand', 'spot']);
  });

  it('use RunInstances where a pool has its parameters, and keep its own tags', async (t) => {
    const { cloud, machines } = await aCloud(t);
    const launchConfig = {
      ImageId: 'ami-77',
      InstanceType: 'c5.large',
      Placement: { AvailabilityZone: `${region}b` },
      InstanceMarketOptions: { MarketType: 'spot' },
      TagSpecifications: [
        {
          ResourceType: 'instance',
          Tags: [
            { Key: 'Cost', Value: 'us' },
            { Key: 'Owner', Value: 'x' },
          ],
        },
      ],
    };
    const order = anOrder({ configuration: { region, launchConfig } });
    const first = idsIn(only(await machines.launch([order])));
    assert.equal(first.length, 3);
    const [instance] = [...cloud.instances.values()];
    assert.deepEqual(instance?.place, {
      region,
      zone: `${region}b`,
      instanceType: 'c5.large',
      purchase: 'spot',
    });
    assert.equal(instance?.tags.get('Cost'), 'us');
    assert.equal(instance?.tags.get('Owner'), 'owner@example.com');
    assert.deepEqual(idsIn(only(await machines.launch([{ ...order, attempt: 2 }]))), first);
  });

  it('take fewer instances by RunInstances when there are no more, and none without an error', async (t) => {
    const { machines, conditions } = await aCloud(t);
    conditions.capacityOf = () => 2;
    const configuration = { region, launchConfig: { ImageId: 'ami-77', InstanceType: 'c5.large' } };
    assert.equal(idsIn(only(await machines.launch([anOrder({ configuration })]))).length, 2);
    const none = only(await machines.launch([anOrder({ configuration })]));
    assert.ok('errors' in none);
    assert.deepEqual(none.workers, []);
    assert.equal(none.errors[0]?.code, 'InsufficientInstanceCapacity');
    assert.equal(none.errors[0]?.isPassing, true);
  });

  it('wait when EC2 is asked too often, all that come after them as well', async (t) => {
    const { cloud, machines, conditions } = await aCloud(t);
    await machines.launch([anOrder()]);
    conditions.isThrottled = () => true;
    const before = cloud.calls.length;
    const outcomes = await machines.launch(Array.from({ length: 6 }, () => anOrder()));
    assert.equal(outcomes.length, 6);
    for (const outcome of outcomes) {
      assert.ok('outcome' in outcome, JSON.stringify(outcome));
      assert.equal(outcome.error.code, 'RequestLimitExceeded');
      assert.ok((outcome.retryAfterMs ?? 0) > 0);
    }
    assert.ok(cloud.calls.length - before <= 9, `${cloud.calls.length - before} calls for 6 orders`);
  });

  it('fail at once when the user data is too long', async (t) => {
    const { cloud, machines } = await aCloud(t);
    const configuration = { region, fleet, workerConfig: { text: 'x'.repeat(16_500) } };
    const outcome = only(await machines.launch([anOrder({ configuration })]));
    assert.ok('errors' in outcome);
    assert.equal(outcome.errors[0]?.title, 'User data is too long');
    assert.equal(outcome.errors[0]?.isPassing, undefined);
    assert.equal(cloud.calls.length, 0);
  });

  it('with wrong keys fail with the error of EC2', async (t) => {
    const { another } = await aCloud(t);
    const outcomes = await another({ secretAccessKey: 'wrong' }).machines?.launch([anOrder()]);
    assert.ok(outcomes?.[0] && 'errors' in outcomes[0]);
    assert.equal(outcomes[0].errors[0]?.code, 'AuthFailure');
  });

  it('share launch templates, which are removed after a week without use', async (t) => {
    const { cloud, clock, machines } = await aCloud(t);
    await machines.launch([anOrder(), anOrder()]);
    await machines.launch([anOrder()]);
    assert.equal(cloud.templates.size, 1);
    await machines.launch([anOrder({ configuration: { region, fleet: { ...fleet, imageId: 'ami-2' } } })]);
    assert.equal(cloud.templates.size, 2);
    clock.advance(minutes(60 * 24 * 6));
    await machines.sweep([]);
    await machines.launch([anOrder()]);
    assert.equal(cloud.templates.size, 2);
    clock.advance(minutes(60 * 24 * 2));
    await machines.sweep([]);
    assert.equal(cloud.templates.size, 1);
  });

  it('create a launch template again when it was removed', async (t) => {
    const { cloud, machines } = await aCloud(t);
    await machines.launch([anOrder()]);
    (cloud.templates as Map<string, unknown>).clear();
    const order = anOrder();
    const outcome = only(await machines.launch([order]));
    assert.ok('outcome' in outcome);
    assert.equal(idsIn(only(await machines.launch([{ ...order, attempt: 2 }]))).length, 3);
  });
});
