import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { minutes, seconds } from '../../../base/index.ts';
import type { Instance } from '../../../demo-cloud/index.ts';
import type { IdentityProof } from '../../schema/index.ts';
import { aCloud, anOrder, aWorker } from './testing.ts';

/** Reads what an instance is told about itself. */
const metadataOf = async (endpoint: string, path: string): Promise<string> => {
  const granted = await fetch(`${endpoint}/latest/api/token`, {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
  });
  const headers = { 'x-aws-ec2-metadata-token': await granted.text() };
  const reply = await fetch(`${endpoint}/latest/${path}`, { headers });
  assert.equal(reply.status, 200, path);
  return reply.text();
};

const aRegisteringInstance = async (t: TestContext) => {
  const test = await aCloud(t);
  const [outcome] = await test.machines.launch([anOrder({ count: 2 })]);
  assert.ok(outcome && 'workers' in outcome);
  test.clock.advance(seconds(5));
  const [instance, other] = [...test.cloud.instances.values()] as [Instance, Instance];
  const read = (path: string) =>
    metadataOf(test.cloud.metadataEndpoint(instance), `dynamic/instance-identity/${path}`);
  const facts = outcome.workers.find(({ workerId }) => workerId === instance.id)?.facts ?? {};
  const worker = aWorker(instance, { created: test.clock.now(), facts });
  const identify = (proof: IdentityProof, more: Parameters<typeof aWorker>[1] = worker) =>
    test.provider.identify?.({ ...worker, ...more }, proof);
  const document = await read('document');
  const signature = await read('signature');
  return { ...test, instance, other, worker, identify, read, document, signature };
};

describe('an instance proves who it is', () => {
  it('by its document and an RSA signature', async (t) => {
    const { identify, document, signature, worker } = await aRegisteringInstance(t);
    assert.deepEqual(await identify({ document, signature }), worker.facts);
  });

  it('by a PKCS #7 structure that holds the document, framed or not', async (t) => {
    const { identify, read, worker, document } = await aRegisteringInstance(t);
    const structure = await read('rsa2048');
    assert.deepEqual(await identify({ document: structure }), worker.facts);
    const framed = `-----BEGIN PKCS7-----\n${structure}\n-----END PKCS7-----\n`;
    assert.deepEqual(await identify({ document, signature: framed }), worker.facts);
  });

  it('also when few facts are stored: then EC2 is asked', async (t) => {
    const { identify, document, signature, worker, clock } = await aRegisteringInstance(t);
    const brief = { facts: { region: 'eu-north-1' }, created: clock.now() };
    assert.deepEqual(await identify({ document, signature }, brief), worker.facts);
  });
});

describe('no-address-yet', () => {
  it('a new instance registers though EC2 does not show it yet, or not its address', async (t) => {
    const test = await aCloud(t);
    Object.assign(test.conditions, { unseenMs: minutes(1), unaddressedMs: minutes(2) });
    const [outcome] = await test.machines.launch([anOrder({ count: 1 })]);
    assert.ok(outcome && 'workers' in outcome);
    const [started] = outcome.workers;
    const [instance] = [...test.cloud.instances.values()] as [Instance];
    const created = test.clock.now();
    const worker = aWorker(instance, { created, facts: started?.facts ?? {} });
    const path = test.cloud.metadataEndpoint(instance);
    const document = await metadataOf(path, 'dynamic/instance-identity/document');
    const signature = await metadataOf(path, 'dynamic/instance-identity/signature');
    const elsewhere = { ...worker, facts: { ...worker.facts, zone: 'another' } };
    assert.equal(await test.provider.identify?.(elsewhere, { document, signature }), 'refused');
    for (const passed of [0, seconds(90), minutes(1)]) {
      test.clock.advance(passed);
      const { workers, strays } = await test.machines.sweep([worker]);
      assert.ok(workers.every(({ state }) => state === 'running'));
      assert.deepEqual(strays, []);
      assert.notEqual(await test.provider.identify?.(worker, { document, signature }), 'refused');
    }
  });
});

describe('a proof is refused', () => {
  it('that comes again when the worker has registered', async (t) => {
    const { identify, document, signature, worker } = await aRegisteringInstance(t);
    for (const state of ['running', 'stopping', 'stopped'] as const) {
      assert.equal(await identify({ document, signature }, { ...worker, state }), 'refused', state);
    }
  });

  it('of another instance', async (t) => {
    const { identify, document, signature, worker, other } = await aRegisteringInstance(t);
    assert.equal(await identify({ document, signature }, { ...worker, workerId: other.id }), 'refused');
  });

  it('that was changed, in any of its parts', async (t) => {
    const { identify, document, signature, instance, other, read } = await aRegisteringInstance(t);
    const changed = document.replace(instance.id, other.id);
    assert.notEqual(changed, document);
    assert.equal(await identify({ document: changed, signature }), 'refused');
    assert.equal(await identify({ document: `${document} `, signature }), 'refused');
    const half = signature.slice(0, -8);
    assert.equal(await identify({ document, signature: half }), 'refused');
    const structure = Buffer.from(await read('rsa2048'), 'base64');
    const at = structure.indexOf(instance.privateIp);
    structure[at] = (structure[at] ?? 0) ^ 1;
    assert.equal(await identify({ document: structure.toString('base64') }), 'refused');
    assert.equal(await identify({ document: structure.subarray(0, 900).toString('base64') }), 'refused');
  });

  it('of a structure that is right, and another document', async (t) => {
    const { identify, read, document } = await aRegisteringInstance(t);
    const other = document.replace('x86_64', 'arm64');
    assert.equal(await identify({ document: other, signature: await read('rsa2048') }), 'refused');
  });

  it('that another cloud has signed, or nobody is trusted', async (t) => {
    const { another, worker, document, signature, read } = await aRegisteringInstance(t);
    const { cloud: stranger } = await aCloud(t);
    const structure = await read('rsa2048');
    for (const certificates of [[stranger.certificate], []]) {
      const provider = another({ certificates });
      assert.equal(await provider.identify?.(worker, { document, signature }), 'refused');
      assert.equal(await provider.identify?.(worker, { document: structure }), 'refused');
    }
  });

  it('that is no document at all', async (t) => {
    const { identify } = await aRegisteringInstance(t);
    const proofs: IdentityProof[] = [
      {},
      { staticSecret: 'a'.repeat(44) },
      { token: 'x' },
      { document: '' },
      { document: 'null', signature: '' },
      { document: 'x'.repeat(30_000), signature: 'x' },
    ];
    for (const proof of proofs)
      assert.equal(await identify(proof), 'refused', JSON.stringify(proof).slice(0, 80));
  });

  for (const fact of [
    'accountId',
    'architecture',
    'zone',
    'imageId',
    'instanceType',
    'privateIp',
    'region',
  ]) {
    it(`whose ${fact} is not what EC2 told us`, async (t) => {
      const { identify, document, signature, worker } = await aRegisteringInstance(t);
      const facts = { ...worker.facts, [fact]: 'something else' };
      assert.equal(await identify({ document, signature }, { ...worker, facts }), 'refused');
    });
  }

  it('of an instance that was launched at another time', async (t) => {
    const { identify, document, signature, worker, clock } = await aRegisteringInstance(t);
    const launchTime = new Date(clock.now().getTime() - minutes(6)).toJSON();
    assert.equal(
      await identify({ document, signature }, { ...worker, facts: { ...worker.facts, launchTime } }),
      'refused',
    );
  });
});
