import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Queue, type TaskClaimResponse } from '@taskyard/client';
import { within } from '@taskyard/patience';
import { type Clock, later, minutes, seconds, systemClock } from '../clock.ts';
import { type FakeQueue, startFakeQueue } from '../testing/fake-queue.ts';
import { silentLog } from '../worker-log.ts';
import { holdClaim, renewAfterMs } from './held-claim.ts';

test('long claims are renewed three minutes before their end, short ones after two thirds', () => {
  assert.equal(renewAfterMs(minutes(20)), minutes(17));
  assert.equal(renewAfterMs(seconds(24)), seconds(16));
  assert.equal(renewAfterMs(minutes(6)), minutes(4));
});

const aClaim = async (t: TestContext, claimMs: number) => {
  const fake = await startFakeQueue({ claimMs });
  const taskId = fake.addTask({});
  const queue = new Queue({ rootUrl: fake.rootUrl, retries: 0 });
  const { tasks } = await queue.claimWork('test/worker', { workerGroup: 'g', workerId: 'w', tasks: 1 });
  const claimed = tasks[0] as TaskClaimResponse;
  const hold = (changes: Partial<TaskClaimResponse> = {}, clock: Clock = systemClock) => {
    const claim = holdClaim({ ...claimed, ...changes }, { rootUrl: fake.rootUrl, clock, log: silentLog });
    t.after(() => claim.letGo());
    return claim;
  };
  t.after(() => fake.close());
  return { fake, taskId, claimed, hold };
};

/** A clock that skips what is waited for, until the claim of a task has been renewed. */
const skippingUntilRenewed = (fake: FakeQueue, taskId: string): Clock => {
  let skippedMs = 0;
  return {
    ...systemClock,
    now: () => later(new Date(), skippedMs),
    sleep: async (ms, signal) => {
      if (fake.run(taskId).reclaims > 0) return systemClock.sleep(ms, signal);
      skippedMs += ms;
    },
  };
};

test('a server whose clock is an hour behind has its claims renewed in time', async (t) => {
  const { fake, taskId, claimed, hold } = await aClaim(t, minutes(20));
  const behind = (date: string): string => new Date(Date.parse(date) - minutes(60)).toJSON();
  const runs = claimed.status.runs.map((run) => ({ ...run, started: behind(run.started ?? '') }));
  const clock = skippingUntilRenewed(fake, taskId);
  const claim = hold({ takenUntil: behind(claimed.takenUntil), status: { ...claimed.status, runs } }, clock);
  await fake.until(() => fake.run(taskId).reclaims === 1);
  assert.equal(claim.lost.aborted, false);
});

test('a claim survives a server that is unreachable for less than its duration', async (t) => {
  const { fake, taskId, hold } = await aClaim(t, minutes(20));
  const answers = [500, 503, 0];
  fake.fail((path) => (path.endsWith('/reclaim') ? answers.shift() : undefined));
  const claim = hold({}, skippingUntilRenewed(fake, taskId));
  await fake.until(() => fake.run(taskId).reclaims === 1);
  assert.equal(claim.lost.aborted, false);
});

test('a claim that cannot be renewed before its end is lost', async (t) => {
  const { fake, taskId, hold } = await aClaim(t, 500);
  fake.fail((path) => (path.endsWith('/reclaim') ? 503 : undefined));
  const claim = hold();
  await within('the claim to be lost', once(claim.lost, 'abort'));
  assert.equal(fake.run(taskId).reclaims, 0);
});

test('a claim that was released is not renewed, and not lost either', async (t) => {
  const [ours, other] = [await aClaim(t, minutes(20)), await aClaim(t, minutes(20))];
  let pass = (): void => {};
  const passed = new Promise<void>((resolve) => {
    pass = resolve;
  });
  // All renewals are due at the same time.
  const clock: Clock = { ...systemClock, sleep: () => passed };
  const claim = ours.hold({}, clock);
  const held = other.hold({}, clock);
  claim.letGo();
  pass();
  await other.fake.until(() => other.fake.run(other.taskId).reclaims > 0);
  held.letGo();
  assert.deepEqual([claim.lost.aborted, ours.fake.run(ours.taskId).reclaims], [false, 0]);
});
