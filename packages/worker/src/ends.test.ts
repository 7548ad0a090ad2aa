import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { eventually } from '@taskyard/patience';
import { type Clock, systemClock } from './clock.ts';
import { exitCodes } from './exit-reason.ts';
import { instanceMetadata, type Membership } from './registration/index.ts';
import { aWorker, sh } from './testing/a-worker.ts';
import { fakeMetadata } from './testing/fake-metadata.ts';
import type { FakeQueue } from './testing/fake-queue.ts';

// A worker looks every five seconds whether its machine is taken back.
const hasty: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 50), signal) };

const aMembership = (terminate = false) => {
  const lost = new AbortController();
  const asked = { leave: 0, terminate: 0, drain: 0 };
  const answer = { terminate, reason: 'told to' };
  const membership: Membership = {
    credentials: () => ({ clientId: 'member', accessToken: 'secret' }),
    shouldTerminate: async () => {
      asked.terminate++;
      return answer;
    },
    reportError: async () => undefined,
    drain: async () => void asked.drain++,
    lost: lost.signal,
    leave: async () => void asked.leave++,
    close: () => undefined,
  };
  return { membership, asked, answer, lose: () => lost.abort() };
};

/** A task that runs until its file is made. */
const untilTold = (file: string): Record<string, unknown> =>
  sh(`echo begun; until [ -e ${file} ]; do sleep 0.02; done`);

const aTakenMachine = async (t: TestContext) => {
  const { endpoint, texts } = await fakeMetadata(t);
  const notices = instanceMetadata(endpoint, systemClock);
  const scene = await aWorker(t, { notices, killGraceSeconds: 0, clock: hasty });
  return { ...scene, texts };
};

test('a worker that is stopped by hand says so by its exit code', async (t) => {
  const { worker } = await aWorker(t);
  await worker.started;
  await worker.stop();
  assert.equal(exitCodes[await worker.stopped], 71);
});

test('a machine that is taken back at once has its task resolved as worker-shutdown, with its log', async (t) => {
  const { queue, worker, texts } = await aTakenMachine(t);
  const taskId = queue.addTask(untilTold('/nowhere/at-all'));
  await queue.until(() => queue.run(taskId).artifacts.has('public/logs/live.log'));
  const time = new Date(Date.now() + 1000).toJSON();
  texts.set('meta-data/spot/instance-action', JSON.stringify({ action: 'terminate', time }));
  const run = await queue.resolved(taskId);
  assert.equal(run.reason, 'worker-shutdown');
  assert.match(queue.logOf(run), /shutting down/);
  assert.equal(exitCodes[await worker.stopped], 72);
});

test('a task that ends before its machine is taken back completes, and no other is begun', async (t) => {
  const { queue, worker, texts, workDir } = await aTakenMachine(t);
  const taskId = queue.addTask(untilTold(`${workDir}/go`));
  await queue.until(() => queue.run(taskId).state === 'running');
  const time = new Date(Date.now() + 120_000).toJSON();
  texts.set('meta-data/spot/instance-action', JSON.stringify({ action: 'terminate', time }));
  await eventually('the worker to begin to stop', () => worker.state.phase === 'stopping');
  const late = queue.addTask(sh('true'));
  await writeFile(`${workDir}/go`, '');
  assert.equal((await queue.resolved(taskId)).state, 'completed');
  assert.equal(await worker.stopped, 'interrupted');
  assert.equal(queue.run(late).state, 'pending');
});

test('a machine that may be taken soon finishes what it has begun, unless it is taken', async (t) => {
  const { queue, worker, texts } = await aTakenMachine(t);
  const taskId = queue.addTask(untilTold('/nowhere/at-all'));
  await queue.until(() => queue.run(taskId).state === 'running');
  texts.set('meta-data/events/recommendations/rebalance', '{"noticeTime":"2026-01-01T00:00:00Z"}');
  await eventually('the worker to begin to stop', () => worker.state.phase === 'stopping');
  assert.equal(queue.run(taskId).state, 'running');
  const time = new Date().toJSON();
  texts.set('meta-data/spot/instance-action', JSON.stringify({ action: 'terminate', time }));
  assert.equal((await queue.resolved(taskId)).reason, 'worker-shutdown');
  assert.equal(await worker.stopped, 'interrupted');
});

test('an idle member stays until worker-manager wants it to end, and then gives up its place', async (t) => {
  const { membership, asked, answer } = aMembership();
  const queueOptions = { pollMs: 10 };
  const { worker } = await aWorker(t, { membership, idleTimeoutSeconds: 0.01, queueOptions });
  await eventually('the member to ask twice whether it has to go', () => asked.terminate >= 2);
  assert.equal(worker.state.phase, 'claiming');
  answer.terminate = true;
  assert.equal(exitCodes[await worker.stopped], 70);
  assert.equal(asked.leave, 1);
});

test('a member claims by the credentials of its membership', async (t) => {
  const { membership } = aMembership();
  const { queue } = await aWorker(t, { membership });
  await queue.until(() => queue.requests.some(({ path }) => path.startsWith('/claim-work')));
  assert.equal(queue.requests.find(({ path }) => path.startsWith('/claim-work'))?.clientId, 'member');
});

test('a worker without credentials for more finishes its task and leaves', async (t) => {
  const { membership, lose } = aMembership();
  const { queue, worker, workDir } = await aWorker(t, { membership });
  const taskId = queue.addTask(untilTold(`${workDir}/go`));
  await queue.until(() => queue.run(taskId).state === 'running');
  lose();
  await eventually('the worker to begin to stop', () => worker.state.phase === 'stopping');
  await writeFile(`${workDir}/go`, '');
  assert.equal((await queue.resolved(taskId)).state, 'completed');
  assert.equal(exitCodes[await worker.stopped], 69);
});

test('a worker at the end of its life lets its task finish, and leaves', async (t) => {
  let end = (): void => undefined;
  const after: Clock['after'] = (ms, wake) => {
    if (ms !== 5_000_000) return systemClock.after(ms, wake);
    end = wake;
    return () => undefined;
  };
  const { membership, asked } = aMembership();
  const { queue, worker, workDir } = await aWorker(t, {
    membership,
    lifetimeSecondsMax: 5000,
    clock: { ...systemClock, after },
  });
  const taskId = queue.addTask(untilTold(`${workDir}/go`));
  await queue.until(() => queue.run(taskId).state === 'running');
  end();
  await eventually('the worker to begin to stop', () => worker.state.phase === 'stopping');
  assert.equal(queue.run(taskId).state, 'running');
  // Others are to be started for what waits.
  assert.equal(asked.drain, 1);
  await writeFile(`${workDir}/go`, '');
  assert.equal((await queue.resolved(taskId)).state, 'completed');
  assert.equal(exitCodes[await worker.stopped], 0);
});

test('a notice that does not say when is none', async (t) => {
  const { queue, worker, texts } = await aTakenMachine(t);
  for (const text of ['soon', '{}', 'null', '{"action":"terminate","time":"soon"}', '{"time":1}']) {
    texts.set('meta-data/spot/instance-action', text);
    assert.equal((await queue.resolved(queue.addTask(sh('true')))).state, 'completed');
  }
  texts.set('meta-data/spot/instance-action', JSON.stringify({ action: 'stop', time: new Date().toJSON() }));
  assert.equal(await worker.stopped, 'interrupted');
});

/** A clock that a test moves on. */
const aMovedClock = () => {
  let movedMs = 0;
  const now = (): Date => new Date(Date.now() + movedMs);
  const move = (ms: number): void => {
    movedMs += ms;
  };
  return { clock: { ...hasty, now }, move };
};

const countPolls = (queue: FakeQueue): number =>
  queue.requests.filter(({ path }) => path.startsWith('/claim-work')).length;

test('a worker is idle from the end of its last task, not from the beginning', async (t) => {
  const { clock, move } = aMovedClock();
  const queueOptions = { pollMs: 10 };
  const { queue, worker, workDir } = await aWorker(t, { clock, idleTimeoutSeconds: 200, queueOptions });
  const taskId = queue.addTask(untilTold(`${workDir}/go`));
  await queue.until(() => queue.run(taskId).state === 'running');
  move(250_000);
  await writeFile(`${workDir}/go`, '');
  await queue.resolved(taskId);
  const polls = countPolls(queue);
  await queue.until(() => countPolls(queue) > polls + 2);
  assert.equal(worker.state.phase, 'claiming');
  move(250_000);
  assert.equal(await worker.stopped, 'idle');
});

test('a worker that has no work leaves although the server is away', async (t) => {
  const { clock, move } = aMovedClock();
  const queueOptions = { pollMs: 10 };
  const { queue, worker } = await aWorker(t, { clock, idleTimeoutSeconds: 200, queueOptions });
  await queue.until(() => countPolls(queue) > 1);
  queue.fail(() => 503);
  move(250_000);
  assert.equal(await worker.stopped, 'idle');
});
