import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Queue, type TaskClaimResponse } from '@taskyard/client';
import { within } from '@taskyard/patience';
import { systemClock } from '../clock.ts';
import { type FakeQueue, startFakeQueue } from '../testing/fake-queue.ts';
import { silentLog } from '../worker-log.ts';
import { holdClaim } from './held-claim.ts';
import { openLostRuns } from './lost-runs.ts';

/** A worker's claims of a queue, watched for losses. */
const aWatch = async (t: TestContext) => {
  const fake = await startFakeQueue();
  t.after(() => fake.close());
  const queue = new Queue({ rootUrl: fake.rootUrl, retries: 0 });
  const identity = { taskQueueId: 'test/worker', workerGroup: 'g', workerId: 'w' };
  const lostRuns = openLostRuns({ clock: systemClock, log: silentLog, identity, connect: () => queue });
  t.after(() => lostRuns.close());
  const claim = async () => {
    const taskId = fake.addTask({});
    const { tasks } = await queue.claimWork('test/worker', { workerGroup: 'g', workerId: 'w', tasks: 1 });
    const { rootUrl } = fake;
    const held = holdClaim(tasks[0] as TaskClaimResponse, {
      rootUrl,
      clock: systemClock,
      log: silentLog,
      lostRuns,
    });
    t.after(() => held.letGo());
    return { taskId, lost: held.lost, letGo: held.letGo };
  };
  return { fake, claim };
};

const cancel = (fake: FakeQueue, taskId: string) =>
  fake.resolve(fake.find(taskId), 0, 'exception', 'canceled');
const calls = (fake: FakeQueue) => fake.requests.filter(({ path }) => path.startsWith('/lost-runs/')).length;

test('a run is lost as soon as the queue takes it away, and others of the worker go on', async (t) => {
  const { fake, claim } = await aWatch(t);
  const [one, other] = [await claim(), await claim()];
  await fake.until(() => calls(fake) > 0);
  cancel(fake, one.taskId);
  fake.changed();
  await within('the claim to be lost', once(one.lost, 'abort'));
  assert.match(String(one.lost.reason), /took it away/);
  assert.equal(other.lost.aborted, false);
  const third = await claim();
  await fake.until(() => calls(fake) > 1);
  cancel(fake, third.taskId);
  fake.changed();
  await within('the later claim to be lost', once(third.lost, 'abort'));
});

test('a server that knows nothing of lost runs is asked once, and claims stay as they are', async (t) => {
  const { fake, claim } = await aWatch(t);
  fake.fail((path) => (path.startsWith('/lost-runs/') ? 404 : undefined));
  const { lost } = await claim();
  await fake.until(() => calls(fake) === 1);
  const later = await claim();
  cancel(fake, later.taskId);
  fake.changed();
  await fake.quiet();
  assert.deepEqual([calls(fake), lost.aborted], [1, false]);
});

test('a server that fails for a moment is asked again', async (t) => {
  const { fake, claim } = await aWatch(t);
  const faults = [0, 503];
  fake.fail((path) => (path.startsWith('/lost-runs/') ? faults.shift() : undefined));
  const { taskId, lost } = await claim();
  await fake.until(() => calls(fake) === 3);
  cancel(fake, taskId);
  fake.changed();
  await within('the claim to be lost', once(lost, 'abort'));
});

test('a task that ends soon costs no call', () => {
  const timers = new Set<() => void>();
  const clock = {
    ...systemClock,
    after: (_ms: number, wake: () => void) => {
      timers.add(wake);
      return () => timers.delete(wake);
    },
  };
  const connect = () => assert.fail('the queue was called');
  const identity = { taskQueueId: 'test/worker', workerGroup: 'g', workerId: 'w' };
  const lostRuns = openLostRuns({ clock, log: silentLog, identity, connect });
  const over = new AbortController();
  lostRuns.watch({ taskId: 'a', runId: 0, lose: () => undefined, over: over.signal });
  assert.equal(timers.size, 1, 'it is asked for later');
  over.abort();
  assert.equal(timers.size, 0);
  lostRuns.close();
});

test('a task that ends in the pause before a call is not asked for', async () => {
  const [ended, running] = [new AbortController(), new AbortController()];
  const clock = {
    ...systemClock,
    after: (_ms: number, wake: () => void) => systemClock.after(0, wake),
    sleep: async () => ended.abort(),
  };
  const identity = { taskQueueId: 'test/worker', workerGroup: 'g', workerId: 'w' };
  const asked = new Promise((resolve) => {
    const awaitLostRuns = (_taskQueueId: string, { runs }: { runs: unknown }) => {
      resolve(runs);
      return new Promise(() => undefined);
    };
    const connect = () => ({ awaitLostRuns }) as unknown as Queue;
    const lostRuns = openLostRuns({ clock, log: silentLog, identity, connect });
    const lose = () => undefined;
    lostRuns.watch({ taskId: 'a', runId: 0, lose, over: ended.signal });
    lostRuns.watch({ taskId: 'b', runId: 0, lose, over: running.signal });
  });
  assert.deepEqual(await within('the first call', asked), [{ taskId: 'b', runId: 0 }]);
});
