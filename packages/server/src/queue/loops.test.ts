import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { days, hours, later, minutes, runLoops, silentLog, slugid } from '../base/index.ts';
import type { Opened } from '../testing/index.ts';
import type { FilledTaskRequest, Queue, TaskStatus } from './index.ts';
import { anybody, aTask, type TestQueue, testQueue } from './testing.ts';

let t: TestQueue;
before(async () => {
  t = await testQueue();
});
after(() => t.close());

const worker = { workerGroup: 'hall', workerId: 'one' };

const create = async (
  fields: Partial<FilledTaskRequest> = {},
  by: Opened<Queue> = t.queue,
): Promise<string> => {
  const taskId = slugid();
  await by.createTasks.one({ taskId, request: aTask(t.clock.now(), fields), authorize: anybody });
  return taskId;
};
const claim = (taskId: string, runId = 0) =>
  t.queue.claimRuns.one({ taskId, runId, worker, authorize: anybody });
const statusOf = async (taskId: string): Promise<TaskStatus> =>
  JSON.parse(await t.queue.readStatuses.one(taskId)) as TaskStatus;
const reasonsOf = async (taskId: string) =>
  (await statusOf(taskId)).runs.map(({ state, reasonCreated, reasonResolved }) => [
    state,
    reasonCreated,
    reasonResolved,
  ]);
const fromNow = (ms: number): string => later(t.clock.now(), ms).toJSON();

describe('claims', () => {
  it('expire when they are not prolonged, and the run is tried again while retries are left', async () => {
    const taskId = await create({ retries: 1 });
    await claim(taskId);
    t.clock.advance(minutes(15));
    await t.queue.reclaimRuns.one({ taskId, runId: 0 });
    t.clock.advance(minutes(15));
    await t.step('expire-claims');
    assert.equal((await statusOf(taskId)).state, 'running');
    t.clock.advance(minutes(5));
    await t.step('expire-claims');
    assert.deepEqual(await reasonsOf(taskId), [
      ['exception', 'scheduled', 'claim-expired'],
      ['pending', 'retry', undefined],
    ]);
    await claim(taskId, 1);
    t.clock.advance(minutes(20));
    await t.step('expire-claims');
    assert.deepEqual((await reasonsOf(taskId)).at(-1), ['exception', 'retry', 'claim-expired']);
  });

  it('that expire past the deadline are left to the deadline', async () => {
    const taskId = await create({ deadline: fromNow(minutes(10)) });
    await claim(taskId);
    t.clock.advance(minutes(30));
    await t.step('expire-claims');
    assert.equal((await statusOf(taskId)).state, 'running');
    await t.step('end-past-deadline');
    assert.deepEqual(await reasonsOf(taskId), [['exception', 'scheduled', 'deadline-exceeded']]);
  });

  it('expire once when two processes look at the same time', async () => {
    const other = t.again();
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push(await create());
    await Promise.all(ids.map((taskId) => claim(taskId)));
    t.clock.advance(minutes(21));
    const steps = [t.queue, other].map((queue) =>
      queue.loops.find(({ name }) => name === 'expire-claims')?.step(200),
    );
    await Promise.all(steps);
    for (const taskId of ids) {
      const { runs, retriesLeft } = await statusOf(taskId);
      assert.deepEqual([runs.length, retriesLeft], [2, 4]);
    }
  });

  it('of a lost worker end at once', async () => {
    const lost = { workerGroup: 'hall', workerId: 'lost' };
    const [theirs, others, namesakes] = [
      await create(),
      await create(),
      await create({ provisionerId: 'else', workerType: 'where' }),
    ];
    const { taskQueueId } = await statusOf(theirs);
    await t.queue.claimRuns.one({ taskId: theirs, runId: 0, worker: lost, authorize: anybody });
    await t.queue.claimRuns.one({ taskId: namesakes, runId: 0, worker: lost, authorize: anybody });
    await claim(others);
    assert.equal(await t.queue.loseWorkers.one({ ...lost, taskQueueId }), 1);
    assert.deepEqual(await reasonsOf(theirs), [
      ['exception', 'scheduled', 'worker-shutdown'],
      ['pending', 'retry', undefined],
    ]);
    for (const taskId of [others, namesakes]) assert.equal((await statusOf(taskId)).state, 'running');
    assert.equal(await t.queue.loseWorkers.one({ ...lost, taskQueueId }), 0);
  });
});

describe('the claims of many lost workers', () => {
  it('end together, each of its own worker alone', async () => {
    const workers = Array.from({ length: 30 }, (_, i) => ({
      workerGroup: `hall-${i % 2}`,
      workerId: `lost-${i}`,
    }));
    const taskIds: string[] = [];
    for (const worker of [...workers, { workerGroup: 'hall-1', workerId: 'lost-0' }]) {
      const taskId = await create();
      await t.queue.claimRuns.one({ taskId, runId: 0, worker, authorize: anybody });
      taskIds.push(taskId);
    }
    const { taskQueueId } = await statusOf(taskIds[0] ?? '');
    const idle = { workerGroup: 'hall-0', workerId: 'idle' };
    const lost = [...workers, idle].map((worker) => ({ ...worker, taskQueueId }));
    assert.deepEqual(await t.queue.loseWorkers.all(lost), [...workers.map(() => 1), 0]);
    const states = await Promise.all(taskIds.map(async (taskId) => (await statusOf(taskId)).state));
    assert.deepEqual(states, [...workers.map(() => 'pending'), 'running']);
  });
});

describe('deadlines', () => {
  it('end everything that is not resolved, a minute after they have passed', async () => {
    const deadline = fromNow(minutes(10));
    const pending = await create({ deadline });
    const running = await create({ deadline });
    const unscheduled = await create({ deadline, dependencies: [pending] });
    const done = await create({ deadline });
    await Promise.all([running, done].map((taskId) => claim(taskId)));
    await t.queue.resolveRuns.one({ taskId: done, runId: 0, end: 'completed' });
    t.clock.advance(minutes(11));
    await t.step('end-past-deadline');
    assert.equal((await statusOf(pending)).state, 'pending');
    // After the deadline it can no longer be claimed, but a running task can still be reported.
    await assert.rejects(claim(pending), { code: 'RequestConflict' });
    t.clock.advance(1);
    await t.step('end-past-deadline');
    for (const taskId of [pending, running, unscheduled]) {
      assert.equal((await statusOf(taskId)).runs[0]?.reasonResolved, 'deadline-exceeded');
    }
    assert.equal((await statusOf(done)).state, 'completed');
    const left = await t.db`
      select task_id from pending where task_id = ${pending} union select task_id from claims where task_id = ${running}`;
    assert.deepEqual(left, []);
  });

  it('are also met without a delay by a task that is created or rerun at its last moment', async () => {
    const hasty = await testQueue({ deadlineDelaySeconds: 0 });
    const make = async (deadline: Date): Promise<string> => {
      const taskId = slugid();
      const request = aTask(hasty.clock.now(), { deadline: deadline.toJSON() });
      await hasty.queue.createTasks.one({ taskId, request, authorize: anybody });
      return taskId;
    };
    const deadline = later(hasty.clock.now(), minutes(1));
    const canceled = await make(deadline);
    await make(deadline);
    await hasty.queue.cancelTasks.one({ taskId: canceled, authorize: anybody });
    hasty.clock.advance(minutes(1));
    await hasty.step('end-past-deadline');
    await hasty.queue.rerunTasks.one({ taskId: canceled, authorize: anybody });
    const atLast = await Promise.all([1, 2, 3, 4].map(() => make(deadline)));
    hasty.clock.advance(1);
    await hasty.step('end-past-deadline');
    for (const taskId of [canceled, ...atLast]) {
      const { state } = JSON.parse(await hasty.queue.readStatuses.one(taskId)) as TaskStatus;
      assert.equal(state, 'exception');
    }
    await hasty.close();
  });
});

describe('a large fan-out', () => {
  it('is released completely by the loop, which is woken when it begins', async () => {
    const fresh = await testQueue();
    const loops = runLoops(fresh.queue.loops, { clock: fresh.clock, log: silentLog });
    const required = slugid();
    const request = aTask(fresh.clock.now());
    await fresh.queue.createTasks.one({ taskId: required, request, authorize: anybody });
    const dependents = Array.from({ length: 1600 }, () => ({
      taskId: slugid(),
      request: aTask(fresh.clock.now(), { dependencies: [required], taskGroupId: required }),
      authorize: anybody,
    }));
    await fresh.queue.createTasks.all(dependents);
    const run = { taskId: required, runId: 0 };
    await fresh.queue.claimRuns.one({ ...run, worker, authorize: anybody });
    await fresh.queue.resolveRuns.one({ ...run, end: 'completed' });
    const pending = async (): Promise<number> =>
      (await fresh.db<{ n: number }>`select count(*)::int as n from pending`)[0]?.n ?? 0;
    await eventually('all dependents to be pending', pending, (count) => count >= 1600);
    const told = (await fresh.messages()).filter(({ exchange }) => exchange.endsWith('/task-pending'));
    assert.equal(told.length, 1601);
    assert.equal(new Set(told.map(({ routingKey }) => routingKey)).size, 1601);
    await loops.stop();
    await fresh.close();
  });
});

describe('what has expired', () => {
  it('is resolved if it is still open, then deleted with everything that the queue knows of it', async () => {
    const fresh = await testQueue();
    const make = async (fields: Partial<FilledTaskRequest>): Promise<string> => {
      const taskId = slugid();
      const request = aTask(fresh.clock.now(), fields);
      await fresh.queue.createTasks.one({ taskId, request, authorize: anybody });
      return taskId;
    };
    const soon = { expires: later(fresh.clock.now(), hours(2)).toJSON() };
    const short = { ...soon, deadline: later(fresh.clock.now(), hours(1)).toJSON() };
    const pending = await make(short);
    const running = await make(short);
    const blocked = await make({ ...short, dependencies: [pending] });
    const kept = await make({});
    await fresh.queue.claimRuns.one({ taskId: running, runId: 0, worker, authorize: anybody });
    assert.equal(await fresh.step('delete-expired-tasks'), 0);
    fresh.clock.advance(hours(2) + 1);
    assert.equal(await fresh.step('delete-expired-tasks'), 3);
    const told = (await fresh.messages()).filter(({ exchange }) => exchange.endsWith('/task-exception'));
    assert.deepEqual(
      told.map(({ routingKey }) => routingKey.split('.')[1]).sort(),
      [pending, running, blocked].sort(),
    );
    assert.equal(JSON.parse(await fresh.queue.readStatuses.one(blocked)).state, 'exception');
    assert.equal(await fresh.step('delete-expired-tasks'), 3);
    for (const taskId of [pending, running, blocked]) {
      await assert.rejects(fresh.queue.readStatuses.one(taskId), { code: 'ResourceNotFound' });
      await assert.rejects(fresh.queue.readDefinitions.one(taskId), { code: 'ResourceNotFound' });
    }
    const [left] = await fresh.db`
      select (select count(*)::int from tasks) as tasks, (select count(*)::int from task_status) as statuses,
             (select count(*)::int from pending) as pending, (select count(*)::int from claims) as claims,
             (select count(*)::int from blocked_tasks) as blocked,
             (select count(*)::int from task_dependencies) as edges`;
    assert.deepEqual(left, { tasks: 1, statuses: 1, pending: 1, claims: 0, blocked: 0, edges: 0 });
    assert.equal((await fresh.queue.readDefinitions.one(kept)).includes('A task'), true);

    // A group is kept an hour longer than its tasks.
    await fresh.queue.readGroup(pending);
    assert.equal(await fresh.step('delete-expired-groups'), 0);
    fresh.clock.advance(hours(1) + minutes(1));
    assert.equal(await fresh.step('delete-expired-groups'), 3);
    await assert.rejects(fresh.queue.readGroup(pending), { code: 'ResourceNotFound' });
    await fresh.queue.readGroup(kept);
    await fresh.close();
  });

  it('may be created again under the same id', async () => {
    const fresh = await testQueue();
    const taskId = slugid();
    const make = () => {
      const now = fresh.clock.now();
      const deadline = later(now, hours(1)).toJSON();
      const request = aTask(now, { deadline, expires: deadline });
      return fresh.queue.createTasks.one({ taskId, request, authorize: anybody });
    };
    await make();
    fresh.clock.advance(days(1));
    for (let steps = 0; steps < 2; steps++) await fresh.step('delete-expired-tasks');
    await fresh.step('delete-expired-groups');
    assert.equal((await make()).runs.length, 1);
    await fresh.close();
  });
});
