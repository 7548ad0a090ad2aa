import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { EC2, type EC2ClientConfig } from '@aws-sdk/client-ec2';
import { manualClock, minutes, seconds } from '../base/index.ts';
import { actions } from './actions.ts';
import { type DemoCloudSettings, type Instance, startDemoCloud } from './index.ts';

const region = 'eu-north-1';

const aCloud = async (t: TestContext, settings: Partial<DemoCloudSettings> = {}) => {
  const clock = manualClock();
  const cloud = await startDemoCloud({
    clock,
    startMachine: () => ({ end: async () => {}, ended: new Promise(() => {}) }),
    ...settings,
  });
  t.after(() => cloud.close());
  const ec2With = (more: EC2ClientConfig = {}): EC2 => {
    const ec2 = new EC2({
      region,
      endpoint: cloud.endpoint,
      credentials: cloud.keys,
      maxAttempts: 1,
      ...more,
    });
    t.after(() => ec2.destroy());
    return ec2;
  };
  return { cloud, clock, ec2: ec2With(), ec2With };
};

const wanted = { ImageId: 'ami-1', MinCount: 1, MaxCount: 2, ClientToken: 'a token' };

describe('calls of the cloud', () => {
  it('need a signature by the right keys', async (t) => {
    const { cloud, ec2, ec2With } = await aCloud(t);
    assert.deepEqual((await ec2.describeInstances({})).Reservations, []);
    for (const credentials of [
      { ...cloud.keys, secretAccessKey: 'another' },
      { ...cloud.keys, accessKeyId: 'AKIAANOTHER' },
    ]) {
      await assert.rejects(ec2With({ credentials }).describeInstances({}), { name: 'AuthFailure' });
    }
    const unsigned = await fetch(cloud.endpoint, { method: 'POST', body: 'Action=DescribeInstances' });
    assert.equal(unsigned.status, 401);
  });

  it('that come again with their token do nothing, and others with it are refused', async (t) => {
    const { cloud, ec2 } = await aCloud(t);
    const idsIn = async (call: Parameters<EC2['runInstances']>[0]) =>
      (await ec2.runInstances(call)).Instances?.map(({ InstanceId }) => InstanceId);
    assert.deepEqual(await idsIn(wanted), await idsIn(wanted));
    assert.equal(cloud.instances.size, 2);
    await assert.rejects(ec2.runInstances({ ...wanted, MaxCount: 3 }), {
      name: 'IdempotentParameterMismatch',
    });
    assert.equal(cloud.instances.size, 2);
  });

  it('see instances of their own region only', async (t) => {
    const { ec2, ec2With } = await aCloud(t);
    await ec2.runInstances(wanted);
    const elsewhere = ec2With({ region: 'us-east-1' });
    assert.deepEqual((await elsewhere.describeInstances({})).Reservations, []);
    assert.equal((await ec2.describeInstances({})).Reservations?.length, 1);
  });
});

describe('an instance', () => {
  const readWith = async (endpoint: string, path: string, token: string) =>
    fetch(`${endpoint}/latest/${path}`, { headers: { 'x-aws-ec2-metadata-token': token } });
  const tokenFrom = async (endpoint: string): Promise<string> => {
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
    return (await fetch(`${endpoint}/latest/api/token`, { method: 'PUT', headers })).text();
  };

  it('is told about itself with a token of its own only', async (t) => {
    const { cloud, ec2 } = await aCloud(t);
    await ec2.runInstances(wanted);
    const [one, other] = [...cloud.instances.values()] as [Instance, Instance];
    const endpoint = cloud.metadataEndpoint(one);
    const path = 'meta-data/instance-id';
    assert.equal(await (await readWith(endpoint, path, await tokenFrom(endpoint))).text(), one.id);
    assert.equal((await fetch(`${endpoint}/latest/${path}`)).status, 401);
    const foreign = await tokenFrom(cloud.metadataEndpoint(other));
    assert.equal((await readWith(endpoint, path, foreign)).status, 401);
  });

  it('hears of an interruption two minutes before, and is then taken', async (t) => {
    const { cloud, clock, ec2 } = await aCloud(t);
    await ec2.runInstances({ ...wanted, MaxCount: 1 });
    const [instance] = [...cloud.instances.values()] as [Instance];
    clock.advance(seconds(10));
    const endpoint = cloud.metadataEndpoint(instance);
    const token = await tokenFrom(endpoint);
    const notice = () => readWith(endpoint, 'meta-data/spot/instance-action', token);
    assert.equal((await notice()).status, 404);
    cloud.interrupt(instance);
    assert.equal(((await (await notice()).json()) as { action: string }).action, 'terminate');
    clock.advance(minutes(1.9));
    assert.equal(instance.state, 'running');
    clock.advance(minutes(1));
    assert.equal(instance.state, 'terminated');
    assert.equal(instance.stateReason?.code, 'Server.SpotInstanceTermination');
  });

  it('goes when its machine shuts down by itself', async (t) => {
    let shutDown = (): void => {};
    const ended = new Promise<void>((resolve) => {
      shutDown = resolve;
    });
    const { cloud, clock, ec2 } = await aCloud(t, { startMachine: () => ({ ended, end: async () => {} }) });
    await ec2.runInstances({ ...wanted, MaxCount: 1 });
    const [instance] = [...cloud.instances.values()] as [Instance];
    clock.advance(seconds(10));
    shutDown();
    await ended;
    await new Promise(setImmediate);
    clock.advance(seconds(10));
    assert.equal(instance.state, 'terminated');
    assert.equal(instance.stateReason?.code, 'Client.InstanceInitiatedShutdown');
  });
});

describe('the policy of the manual', () => {
  it('allows the calls that are made, and no others', async () => {
    const manual = await readFile(new URL('../../../../docs/operating/aws.md', import.meta.url), 'utf8');
    const named = [...manual.matchAll(/"ec2:(\w+)"/g)].map(([, action]) => action);
    assert.deepEqual(named.toSorted(), Object.keys(actions).toSorted());
  });
});
