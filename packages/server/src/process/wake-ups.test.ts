import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { eventually, within } from '@taskyard/patience';
import { type App, createApp, type Signals, sharedSignals } from '../app.ts';
import {
  connect,
  createMetrics,
  type Database,
  encryption,
  hours,
  later,
  type Metrics,
  manualClock,
  runLoops,
  silentLog,
  slugid,
} from '../base/index.ts';
import { readConfig } from '../config/index.ts';
import { aTask } from '../queue/testing.ts';
import { heldTransaction, type TestDatabase, testDatabase, untilBlocked } from '../testing/index.ts';
import { createWorkers } from '../workers/index.ts';
import { observers } from './measures.ts';

// This clock never moves, so the periodic reads that cover lost wake-ups never happen.
const clock = manualClock();

const keys = encryption({ keys: { k: randomBytes(32).toString('base64') }, current: 'k' });
const everything = { description: 'Built in.', scopes: ['*'] };
const staticClients = ['root', 'queue'].map((name) => ({
  clientId: `static/taskcluster/${name}`,
  accessToken: name.padEnd(44, '-'),
  ...everything,
}));

interface Opened {
  readonly app: App;
  readonly db: Database;
  readonly metrics: Metrics;
  readonly signals: Signals;
}

/** The application of one process of several. */
const openOn = async ({ url }: TestDatabase, env: NodeJS.ProcessEnv = {}): Promise<Opened> => {
  const db = connect({ url });
  const metrics = createMetrics({ clock, log: silentLog });
  const signals = await sharedSignals(db, () => {});
  const app = createApp({
    config: readConfig({ env }),
    db,
    clock,
    log: silentLog,
    encryption: keys,
    staticClients,
    signals,
    process: {
      uptimeSeconds: () => 1,
      version: 'test',
      reachDatabase: async () => {},
      isLeaving: () => false,
    },
    ...observers(metrics),
    rootUrl: () => 'http://localhost',
  });
  await app.start();
  return { app, db, metrics, signals };
};

const close = async ({ app, db }: Opened): Promise<void> => {
  await app.drain();
  await app.close();
  await db.close();
};

const countLooks = async (metrics: Metrics): Promise<number> =>
  (await metrics.read())
    .filter(({ name }) => name === 'taskyard_batch_items')
    .flatMap(({ samples }) => samples)
    .filter(({ suffix, labels }) => suffix === '_count' && labels.some(([, value]) => value === 'claim-work'))
    .reduce((sum, { value }) => sum + value, 0);

describe('a process without periodic reads', () => {
  let database: TestDatabase;
  let here: Opened;
  let there: Opened;
  before(async () => {
    database = await testDatabase();
    here = await openOn(database);
    there = await openOn(database);
  });
  after(async () => {
    for (const opened of [here, there]) await close(opened);
    await database.drop();
  });

  it('gives a waiting worker a task that is created in another', async () => {
    const waiting = here.app.domains.queue.verbs.claimWork({
      taskQueueId: 'prov/type',
      worker: { workerGroup: 'hall', workerId: 'one' },
      count: 1,
      gone: new AbortController().signal,
    });
    await eventually('the worker to find nothing', async () => (await countLooks(here.metrics)) > 0);
    const taskId = slugid();
    await there.app.domains.queue.verbs.createTasks.one({
      taskId,
      request: aTask(clock.now()),
      authorize: () => {},
    });
    const claims = await within('the worker to be woken', waiting);
    assert.equal((JSON.parse(claims[0] ?? '') as { status: { taskId: string } }).status.taskId, taskId);
  });

  it('skips a run that is being taken, or waits for it, as its configuration says', async (t) => {
    const guarded = await openOn(database, { CLAIM_LOCKING: 'guarded-delete' });
    t.after(() => close(guarded));
    const claimedBy = async ({ app }: Opened): Promise<string> => {
      const worker = { workerGroup: 'hall', workerId: 'three' };
      const gone = new AbortController().signal;
      const asked = { taskQueueId: 'prov/locked', worker, count: 1, gone };
      const [claim = ''] = await app.domains.queue.verbs.claimWork(asked);
      return (JSON.parse(claim) as { status: { taskId: string } }).status.taskId;
    };
    const request = aTask(clock.now(), { workerType: 'locked' });
    const tasks = [1, 2].map(() => ({ taskId: slugid(), request, authorize: () => {} }));
    await here.app.domains.queue.verbs.createTasks.all(tasks);
    const line = await here.db<{ taskId: string }>`
      select task_id from pending where task_queue_id = 'prov/locked' order by priority, position, task_id`;
    const [first, second] = line.map(({ taskId }) => taskId);
    const lock = await heldTransaction(
      here.db,
      (tx) => tx`select task_id from pending where task_id = ${first} for update`,
    );
    assert.equal(await claimedBy(here), second);
    const waiting = claimedBy(guarded);
    await untilBlocked(here.db, 1);
    await lock.end();
    assert.equal(await waiting, first);
  });

  describe('with a waiting worker', () => {
    const worker = { workerGroup: 'hall', workerId: 'two' };
    const poll = ({ app }: Opened, taskQueueId: string) =>
      app.domains.queue.verbs.claimWork({
        taskQueueId,
        worker,
        count: 1,
        gone: new AbortController().signal,
      });
    /** Quarantines or releases a worker, in process `here`. */
    const quarantine = async (workerType: string, until: Date): Promise<void> => {
      const quarantinesChanged = here.signals.quarantines;
      const { verbs: workers } = createWorkers({ db: here.db, clock, log: silentLog, quarantinesChanged });
      workers.seeWorkers([{ taskQueueId: `prov/${workerType}`, ...worker }]);
      const order = { quarantineUntil: until.toJSON(), clientId: 'operator' };
      await workers.quarantineWorker({ provisionerId: 'prov', workerType, ...worker, ...order });
    };
    let loops: ReturnType<typeof runLoops>;
    before(() => {
      loops = runLoops(there.app.loopsOfEachProcess, { clock, log: silentLog });
    });
    after(() => loops.stop());

    it('returns nothing when another puts it in quarantine, and a task when another releases it', async () => {
      const before = poll(there, 'prov/good');
      await quarantine('good', later(clock.now(), hours(1)));
      assert.deepEqual(await within('the worker to be sent away', before), []);
      const waiting = poll(there, 'prov/good');
      const taskId = slugid();
      const request = aTask(clock.now(), { workerType: 'good' });
      await here.app.domains.queue.verbs.createTasks.one({ taskId, request, authorize: () => {} });
      await quarantine('good', later(clock.now(), -1));
      const claims = await within('the worker to be given the task', waiting);
      assert.equal((JSON.parse(claims[0] ?? '') as { status: { taskId: string } }).status.taskId, taskId);
    });
  });

  it('refuses a client that is disabled in another', async () => {
    const by = { caller: here.app.domains.auth.verbs.callerFor(['*']), authorize: () => {} };
    const expires = later(clock.now(), hours(1));
    await here.app.domains.auth.verbs.createClient(
      'example/client',
      { expires: expires.toJSON(), description: '', scopes: [] },
      by,
    );
    const known = () =>
      there.app.domains.auth.verbs.credentialsOf('example/client', { start: clock.now(), expiry: expires });
    assert.ok(await known());
    await here.app.domains.auth.verbs.disableClient('example/client', by);
    await eventually('the client to be refused', known, (credentials) => credentials === undefined);
  });
});
