import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '@taskyard/patience';
import { type Clock, systemClock } from '../clock.ts';
import { enlistWorker } from '../enlist-worker.ts';
import { fakeMetadata } from '../testing/fake-metadata.ts';
import { fakeWorkerManager } from '../testing/fake-worker-manager.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { silentLog } from '../worker-log.ts';
import { instanceMetadata } from './instance-metadata.ts';

const staticSecret = 'x'.repeat(44);
const log = silentLog;

const aMember = async (t: TestContext, { file = {}, clock }: { file?: object; clock?: Clock } = {}) => {
  const manager = await fakeWorkerManager(t);
  const given = {
    rootUrl: manager.rootUrl,
    taskQueueId: 'prov/pool',
    workerGroup: 'group',
    workerId: 'one',
    provider: 'static',
    providerId: 'static-provider',
    staticSecret,
    workDir: await temporaryDirectory(t),
  } as const;
  const enlist = async () => {
    const options = await enlistWorker(
      { given, environment: {}, file: { ...file } },
      { log, ...(clock ? { clock } : {}) },
    );
    t.after(() => options.membership?.close());
    return options;
  };
  return { manager, enlist };
};

const anInstance = async (t: TestContext) => {
  const manager = await fakeWorkerManager(t);
  const metadata = await fakeMetadata(t);
  const { texts } = metadata;
  const userData = { providerId: 'aws', workerGroup: 'us-east-1', workerPoolId: 'prov/pool' };
  texts.set('user-data', JSON.stringify({ ...userData, rootUrl: manager.rootUrl, workerConfig: {} }));
  const region = { region: 'us-east-1', availabilityZone: 'us-east-1a' };
  const document = JSON.stringify({ instanceId: 'i-123', instanceType: 'm5.large', ...region });
  texts.set('dynamic/instance-identity/document', document);
  texts.set('dynamic/instance-identity/signature', 'signed');
  const workDir = await temporaryDirectory(t);
  const given = { provider: 'aws', metadataEndpoint: metadata.endpoint, workDir } as const;
  const enlist = async (signal?: AbortSignal) => {
    const options = await enlistWorker({ given, environment: {} }, { log, ...(signal ? { signal } : {}) });
    t.after(() => options.membership?.close());
    return options;
  };
  return { manager, metadata, document, workDir, enlist };
};

test('a worker with a secret registers, and has the credentials that it is given', async (t) => {
  const { manager, enlist } = await aMember(t);
  const options = await enlist();
  const { systemBootTime, ...body } = manager.asked[0]?.body ?? {};
  assert.deepEqual(body, {
    workerPoolId: 'prov/pool',
    providerId: 'static-provider',
    workerGroup: 'group',
    workerId: 'one',
    workerIdentityProof: { staticSecret },
  });
  assert.ok(Date.parse(String(systemBootTime)) < Date.now());
  assert.equal(options.membership?.credentials().clientId, 'worker/1');
});

test('an instance that the server does not know yet asks again', async (t) => {
  const { manager, enlist } = await anInstance(t);
  manager.answers.status = 404;
  const enlisting = enlist();
  await eventually('the first attempt to register', () => manager.asked.length > 0);
  manager.answers.status = 200;
  const options = await enlisting;
  assert.equal(options.membership?.credentials().clientId, 'worker/1');
});

test('an instance of EC2 proves who it is by its signed identity document', async (t) => {
  const { manager, document, enlist } = await anInstance(t);
  const options = await enlist();
  const { systemBootTime: _, ...body } = manager.asked[0]?.body ?? {};
  assert.deepEqual(body, {
    workerPoolId: 'prov/pool',
    providerId: 'aws',
    workerGroup: 'us-east-1',
    workerId: 'i-123',
    workerIdentityProof: { document, signature: 'signed' },
  });
  assert.equal(options.rootUrl, manager.rootUrl);
  assert.equal(options.taskQueueId, 'prov/pool');
  assert.equal(options.instanceType, 'm5.large');
  assert.deepEqual(JSON.parse(options.location ?? ''), {
    cloud: 'aws',
    region: 'us-east-1',
    availabilityZone: 'us-east-1a',
  });
});

test('an instance that is started again registers by the secret that it remembers', async (t) => {
  const { manager, workDir, enlist } = await anInstance(t);
  const first = await enlist();
  await first.membership?.close();
  const second = await enlist();
  assert.deepEqual(
    manager.asked.map(({ name }) => name),
    ['registerWorker', 'reregisterWorker'],
  );
  assert.equal(second.membership?.credentials().clientId, 'worker/2');
  assert.equal((await stat(join(workDir, 'registration.json'))).mode & 0o777, 0o600);
});

test('the secret of a registration that is on its way when an instance is told to end is remembered', async (t) => {
  const { manager, enlist } = await anInstance(t);
  const stop = new AbortController();
  manager.answers.onRegistration = () => stop.abort();
  await assert.rejects(enlist(stop.signal), /told to end/);
  await enlist();
  assert.deepEqual(
    manager.asked.map(({ name }) => name),
    ['registerWorker', 'reregisterWorker'],
  );
});

test('credentials are renewed before they expire, and each secret is used once', async (t) => {
  const { manager, enlist } = await aMember(t);
  manager.answers.lifetimeMs = 300;
  const { membership } = await enlist();
  await eventually(
    'credentials to be renewed twice',
    () => manager.asked.filter(({ name }) => name === 'reregisterWorker').length >= 2,
  );
  assert.equal(membership?.lost.aborted, false);
});

test('the secret of a renewal that is on its way when the worker ends is remembered', async (t) => {
  const { manager, enlist } = await anInstance(t);
  manager.answers.lifetimeMs = 300;
  const { membership } = await enlist();
  await new Promise((resolve) => {
    manager.answers.onRenewal = () => {
      manager.answers.onRenewal = undefined;
      manager.answers.lifetimeMs = 3_600_000;
      resolve(membership?.close());
    };
  });
  await enlist();
  assert.deepEqual(
    manager.asked.map(({ name }) => name),
    ['registerWorker', 'reregisterWorker', 'reregisterWorker'],
  );
});

test('a worker whose credentials cannot be renewed is told that it has lost its place', async (t) => {
  const { manager, enlist } = await aMember(t);
  manager.answers.lifetimeMs = 200;
  const { membership } = await enlist();
  manager.answers.status = 400;
  await eventually('the membership to be lost', () => membership?.lost.aborted);
});

test('a registration that is refused is an error, and one that finds no server is tried again', async (t) => {
  // Pauses between attempts are over at once.
  const clock = {
    ...systemClock,
    sleep: async () => manager.answers.status === 503 && recover(),
  } as unknown as Clock;
  const { manager, enlist } = await aMember(t, { clock });
  const recover = (): void => {
    manager.answers.status = 200;
  };
  manager.answers.status = 400;
  await assert.rejects(enlist(), /could not be registered: told to fail/);
  manager.answers.status = 503;
  assert.ok((await enlist()).membership);
});

test("settings of the pool go before those of the worker's file, in our words or the original's", async (t) => {
  const { manager, enlist } = await aMember(t, { file: { capacity: 2, maxRunTimeSecondsMax: 60 } });
  manager.answers.workerConfig = {
    genericWorker: { config: { idleTimeoutSecs: 90, capacity: 3, deploymentId: 'x' } },
    taskyard: { capacity: 4 },
  };
  const { capacity, idleTimeoutSeconds, maxRunTimeSecondsMax } = await enlist();
  assert.deepEqual(
    { capacity, idleTimeoutSeconds, maxRunTimeSecondsMax },
    {
      capacity: 4,
      idleTimeoutSeconds: 90,
      maxRunTimeSecondsMax: 60,
    },
  );
});

test('a pool that gives wrong settings is told of it', async (t) => {
  const { manager, enlist } = await aMember(t);
  manager.answers.workerConfig = { taskyard: { capcity: 4 } };
  await assert.rejects(enlist(), /There is no setting capcity/);
  assert.equal(manager.asked.at(-1)?.name, 'reportWorkerError');
  assert.match(String(manager.asked.at(-1)?.body.description), /capcity/);
});

test('metadata are read with a token, which is requested again when it has expired', async (t) => {
  const { endpoint, texts, forget } = await fakeMetadata(t);
  const metadata = instanceMetadata(endpoint, systemClock);
  texts.set('meta-data/instance-id', 'i-1');
  assert.equal(await metadata.read('meta-data/instance-id'), 'i-1');
  forget();
  assert.equal(await metadata.read('meta-data/instance-id'), 'i-1');
  assert.equal(await metadata.read('meta-data/none'), undefined);
});
