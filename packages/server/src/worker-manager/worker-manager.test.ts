import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AuditEntry } from '../auth/index.ts';
import {
  hours,
  later,
  type ManualClock,
  manualClock,
  minutes,
  RequestError,
  silentLog,
  transact,
} from '../base/index.ts';
import type { Email } from '../notify/index.ts';
import { messagesIn, opened, stepOf, type TestDatabase, testDatabase } from '../testing/index.ts';
import { createWorkers } from '../workers/index.ts';
import * as store from './store/index.ts';
import { losing, type OpenedPools, openedPools } from './testing/index.ts';

let test: TestDatabase;
let clock: ManualClock;
let context: OpenedPools;
const lost: object[] = [];
const mails: Email[] = [];
const audit: AuditEntry[] = [];

before(async () => {
  test = await testDatabase();
  clock = manualClock();
  const floor = { db: test.db, clock, log: silentLog };
  context = openedPools({
    ...floor,
    workers: opened(createWorkers(floor)),
    queue: losing((worker) => lost.push(worker)),
    rootUrl: () => 'http://localhost',
    issueCredentials: ({ clientId }) => ({ clientId, accessToken: 'secret', certificate: '{}' }),
    recordAudit: async (_tx, entries) => {
      audit.push(...entries);
    },
    email: async (_tx, emails) => {
      mails.push(...emails);
    },
  });
});
after(() => test.drop());

const secretOf = (letter: string): string => letter.repeat(44);
const hasCode = (code: string) => (error: unknown) => error instanceof RequestError && error.code === code;
let pools = 0;

const definitionOf = (fields: { emailOnError?: boolean; config?: Record<string, unknown> } = {}) => ({
  providerId: 'static',
  description: '',
  owner: 'o@example.com',
  emailOnError: false,
  config: {},
  ...fields,
});

const aPool = async (fields: Parameters<typeof definitionOf>[0] = {}): Promise<string> => {
  const workerPoolId = `prov/pool-${++pools}`;
  const definition = definitionOf(fields);
  await context.createPool({ workerPoolId, definition, authorize: () => {} });
  return workerPoolId;
};

const aWorker = async (fields: { workerId?: string } = {}) => {
  const ref = { workerPoolId: await aPool(), workerGroup: 'here', workerId: 'w1', ...fields };
  const definition = {
    expires: later(clock.now(), hours(9)).toJSON(),
    providerInfo: { staticSecret: secretOf('a') },
  };
  await context.createWorker({ ...ref, definition });
  return ref;
};

const register = (ref: Awaited<ReturnType<typeof aWorker>>) =>
  context.registerWorker({
    ...ref,
    providerId: 'static',
    workerIdentityProof: { staticSecret: secretOf('a') },
  });

describe('a worker of a static pool', () => {
  it('registers again with each secret until the next one is used', async () => {
    const ref = await aWorker();
    const { secret: first } = await register(ref);
    const { secret: second } = await context.reregisterWorker({ ...ref, secret: first });
    assert.notEqual(second, first);
    await context.reregisterWorker({ ...ref, secret: second });
    await assert.rejects(context.reregisterWorker({ ...ref, secret: first }), hasCode('InputError'));
  });

  it('is removed once, with one message, and loses what it claimed', async () => {
    const ref = await aWorker({ workerId: 'leaving' });
    const [last] = (await messagesIn(test.db)).slice(-1);
    await context.removeWorker(ref, 'not needed');
    await context.removeWorker(ref, 'not needed');
    const sent = (await messagesIn(test.db, last?.id)).map(({ exchange }) => exchange.split('/').at(-1));
    assert.deepEqual(sent, ['worker-removed', 'worker-stopped']);
    assert.ok(lost.some((worker) => (worker as { workerId: string }).workerId === 'leaving'));
    const { secret } = await register(await aWorker());
    await assert.rejects(context.reregisterWorker({ ...ref, secret }), hasCode('InputError'));
  });

  it('is created again by the same call within 15 minutes alone, and then as it was', async () => {
    const ref = { workerPoolId: await aPool(), workerGroup: 'here', workerId: 'w1' };
    const definition = {
      expires: later(clock.now(), hours(9)).toJSON(),
      capacity: 2,
      providerInfo: { staticSecret: secretOf('a') },
    };
    const worker = await context.createWorker({ ...ref, definition });
    clock.advance(minutes(14));
    assert.deepEqual(await context.createWorker({ ...ref, definition }), worker);
    const others = [
      { capacity: 3 },
      { expires: later(clock.now(), hours(8)).toJSON() },
      { providerInfo: { staticSecret: secretOf('b') } },
    ];
    for (const other of others)
      await assert.rejects(
        context.createWorker({ ...ref, definition: { ...definition, ...other } }),
        hasCode('RequestConflict'),
      );
    clock.advance(minutes(1));
    await assert.rejects(context.createWorker({ ...ref, definition }), hasCode('RequestConflict'));
    assert.deepEqual(await context.readWorker(ref), worker);
  });

  it('never has the id of one whose record has expired, deleted or not', async () => {
    const ref = await aWorker();
    const again = (fields: Partial<typeof ref> = {}) => {
      const expires = later(clock.now(), hours(9)).toJSON();
      const providerInfo = { staticSecret: secretOf('a') };
      return context.createWorker({ ...ref, ...fields, definition: { expires, providerInfo } });
    };
    assert.equal((await again()).workerId, ref.workerId);
    clock.advance(hours(10));
    await assert.rejects(again(), hasCode('RequestConflict'));
    await stepOf(context.loops)('expire-managed-workers');
    await assert.rejects(context.readWorker(ref), hasCode('ResourceNotFound'));
    await assert.rejects(again(), hasCode('RequestConflict'));
    assert.equal((await again({ workerGroup: 'elsewhere' })).workerGroup, 'elsewhere');
  });

  it('may have any capacity that the database can keep: those of a pool are added up', async () => {
    const workerPoolId = await aPool();
    const capacity = 2 ** 31 - 1;
    const definition = {
      expires: later(clock.now(), hours(9)).toJSON(),
      capacity,
      providerInfo: { staticSecret: secretOf('a') },
    };
    for (const workerId of ['one', 'two'])
      await context.createWorker({ workerPoolId, workerGroup: 'here', workerId, definition });
    assert.equal((await context.readPool(workerPoolId)).runningCapacity, 2 * capacity);
    assert.ok((await context.listPools({})).workerPools.some((pool) => pool.workerPoolId === workerPoolId));
    const counts = (await context.countPools()).filter((count) => count.workerPoolId === workerPoolId);
    assert.deepEqual(
      counts.map((count) => count.capacity),
      [2 * capacity],
    );
    const ref = { workerPoolId, workerGroup: 'here', workerId: 'one' };
    const tooLarge = { ...definition, capacity: capacity + 1 };
    await assert.rejects(context.updateWorker({ ...ref, definition: tooLarge }), hasCode('InputError'));
    await assert.rejects(
      context.createWorker({ ...ref, workerId: 'three', definition: tooLarge }),
      hasCode('InputError'),
    );
  });

  it('is changed only where no other provider of its pool has started it', async () => {
    const ref = await aWorker();
    const definition = { expires: later(clock.now(), hours(2)).toJSON(), capacity: 3 };
    assert.equal((await context.updateWorker({ ...ref, definition })).capacity, 3);
    await test.db`update managed_workers set provider_id = 'cloud' where worker_pool_id = ${ref.workerPoolId}`;
    await assert.rejects(
      context.updateWorker({ ...ref, definition: { ...definition, capacity: 4 } }),
      hasCode('InputError'),
    );
    assert.equal((await context.readWorker(ref)).capacity, 3);
  });

  it('gets no more work from the moment at which it expires, and is refused until its credentials end', async () => {
    const ref = await aWorker();
    const { credentials } = await register(ref);
    const update = (expires: Date) =>
      context.updateWorker({ ...ref, definition: { expires: expires.toJSON() } });
    const isOut = () => [
      context.isBarred(ref.workerPoolId, ref.workerGroup, ref.workerId),
      context.isRevoked(credentials.clientId),
    ];
    assert.deepEqual(isOut(), [false, false]);
    await update(later(clock.now(), -1));
    assert.deepEqual(isOut(), [true, true]);
    await update(later(clock.now(), hours(1)));
    assert.deepEqual(isOut(), [false, false]);
    clock.advance(hours(1));
    await context.start();
    assert.deepEqual(isOut(), [true, true]);
    await stepOf(context.loops)('expire-managed-workers');
    assert.ok(lost.some((worker) => (worker as { taskQueueId: string }).taskQueueId === ref.workerPoolId));
    assert.equal((await context.readWorker(ref)).state, 'stopped');
    clock.advance(hours(94));
    await context.start();
    assert.deepEqual(isOut(), [true, true]);
    clock.advance(hours(1));
    await stepOf(context.loops)('expire-managed-workers');
    await assert.rejects(context.readWorker(ref), hasCode('ResourceNotFound'));
  });

  it('stores no secret in plain text', async () => {
    const ref = await aWorker();
    const { secret } = await register(ref);
    const rows = await test.db<{ row: string }>`select w::text as row from managed_workers w`;
    assert.ok(rows.length > 0);
    assert.ok(rows.every(({ row }) => !row.includes(secret) && !row.includes(secretOf('a'))));
  });
});

describe('who changed a pool or a worker', () => {
  const changes = () =>
    audit.splice(0).map((each) => [each.entityType, each.entityId, each.actionType, each.clientId]);

  it('is recorded once for each change', async () => {
    const workerPoolId = `prov/pool-${++pools}`;
    const asked = { workerPoolId, definition: definitionOf(), authorize: () => {}, clientId: 'operator' };
    await context.createPool(asked);
    await context.createPool(asked);
    await context.updatePool({
      ...asked,
      definition: { ...asked.definition, description: 'other' },
    });
    const ref = { workerPoolId, workerGroup: 'here', workerId: 'w1' };
    const definition = {
      expires: later(clock.now(), hours(9)).toJSON(),
      providerInfo: { staticSecret: secretOf('a') },
    };
    const worker = { ...ref, definition, clientId: 'operator' };
    await context.createWorker(worker);
    await context.createWorker(worker);
    await context.updateWorker(worker);
    await context.removeWorker({ ...ref, clientId: 'operator' }, 'not needed');
    await context.removeWorker({ ...ref, clientId: 'operator' }, 'not needed');
    await context.deletePool({ workerPoolId, clientId: 'operator' });
    await context.deletePool({ workerPoolId, clientId: 'operator' });
    const [pool, name] = [workerPoolId, `${workerPoolId}/here/w1`];
    assert.deepEqual(changes(), [
      ['worker-pool', pool, 'created', 'operator'],
      ['worker-pool', pool, 'updated', 'operator'],
      ['worker', name, 'created', 'operator'],
      ['worker', name, 'updated', 'operator'],
      ['worker', name, 'deleted', 'operator'],
      ['worker-pool', pool, 'deleted', 'operator'],
    ]);
  });

  it('is not recorded where the platform acts by itself, or a worker ends itself', async () => {
    const ref = await aWorker();
    const { credentials } = await register(ref);
    await context.removeWorker({ ...ref, clientId: credentials.clientId }, 'done');
    assert.deepEqual(changes(), []);
  });
});

describe('an error that a worker reports', () => {
  const report = (workerPoolId: string, { title = 'disk is full' } = {}) =>
    context.reportWorkerError({
      workerPoolId,
      workerGroup: 'here',
      workerId: 'w1',
      kind: 'worker-error',
      title,
      description: 'No space left.',
      extra: {},
    });

  it('counts under its title, whatever that is', async () => {
    const workerPoolId = await aPool();
    for (const title of ['constructor', 'constructor', '__proto__']) await report(workerPoolId, { title });
    const { title } = (await context.errorStats(workerPoolId)).totals;
    assert.deepEqual(Object.entries(title).sort(), [
      ['__proto__', 1],
      ['constructor', 2],
    ]);
  });

  it('is mailed to the owner of a pool that wants it, and to no other', async () => {
    await report(await aPool());
    assert.equal(mails.length, 0);
    const workerPoolId = await aPool({ emailOnError: true });
    const { errorId } = await report(workerPoolId);
    const [mail, ...more] = mails.splice(0);
    assert.deepEqual(more, []);
    assert.equal(mail?.address, 'o@example.com');
    assert.equal(mail?.subject, `Error in worker pool ${workerPoolId}: disk is full`);
    assert.match(mail?.content ?? '', new RegExp(`${errorId}[^]*No space left`));
  });
});

describe('an earlier definition of a pool', () => {
  const step = (name: string) => {
    const loop = context.loops.find((each) => each.name === name);
    assert.ok(loop, `there is no loop ${name}`);
    return loop.step(1000);
  };

  it('keeps its former provider while a worker of it lives', async () => {
    const ref = await aWorker();
    await context.deletePool({ workerPoolId: ref.workerPoolId });
    const former = async () => {
      const [row] = await test.db<{ ids: string[] }>`
        select previous_provider_ids as ids from worker_pools where worker_pool_id = ${ref.workerPoolId}`;
      return row?.ids;
    };
    await step('forget-former-providers');
    assert.deepEqual(await former(), ['static']);
    await context.removeWorker(ref, 'not needed');
    assert.equal(await step('forget-former-providers'), 1);
    assert.deepEqual(await former(), []);
  });

  it('keeps archived launch configs while a worker refers to them', async () => {
    // Pools of static workers have no launch configs of their own.
    const { workerPoolId, ...name } = await aWorker();
    const configs = ['used', 'unused', 'current'].map((id) => ({ launchConfigId: id, configuration: '{}' }));
    await transact(context, async (tx, now) => {
      await store.writeLaunchConfigs(tx, { workerPoolId, configs, changed: [] }, now);
      await store.archiveLaunchConfigs(tx, { workerPoolId, launchConfigIds: ['used', 'unused'] }, now);
    });
    await test.db`update managed_workers set launch_config_id = 'used'
                   where worker_pool_id = ${workerPoolId} and worker_id = ${name.workerId}`;
    await step('delete-unused-launch-configs');
    const { workerPoolLaunchConfigs: kept } = await context.listLaunchConfigs({
      workerPoolId,
      includeArchived: true,
    });
    assert.deepEqual(kept.map(({ launchConfigId }) => launchConfigId).sort(), ['current', 'used']);
  });
});
