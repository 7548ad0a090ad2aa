import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { hours, later, minutes, seconds, slugid } from '../base/index.ts';
import type { FilledTaskRequest, TaskStatus } from './index.ts';
import { anybody, aTask, type TestQueue, testQueue } from './testing.ts';

// What docs/concepts/tasks.md promises about tasks, where no other file tests it.

let t: TestQueue;
before(async () => {
  t = await testQueue();
});
after(() => t.close());

const worker = { workerGroup: 'hall', workerId: 'one' };
const fromNow = (ms: number): string => later(t.clock.now(), ms).toJSON();

const create = async (fields: Partial<FilledTaskRequest> = {}): Promise<string> => {
  const taskId = slugid();
  const request = aTask(t.clock.now(), { deadline: fromNow(hours(48)), ...fields });
  await t.queue.createTasks.one({ taskId, request, authorize: anybody });
  return taskId;
};
const claim = (taskId: string, runId: number) =>
  t.queue.claimRuns.one({ taskId, runId, worker, authorize: anybody });
const claimNext = async (workerType: string): Promise<string> => {
  const gone = new AbortController().signal;
  const [text = ''] = await t.queue.claimWork({
    taskQueueId: `prov/${workerType}`,
    worker,
    count: 1,
    gone,
  });
  return (JSON.parse(text) as { status: TaskStatus }).status.taskId;
};
const resolve = (taskId: string, runId: number, end: 'completed' | 'failed' = 'completed') =>
  t.queue.resolveRuns.one({ taskId, runId, end });
const stop = (taskId: string, runId: number) =>
  t.queue.resolveRuns.one({ taskId, runId, end: 'exception', reason: 'worker-shutdown' });
const statusOf = async (taskId: string): Promise<TaskStatus> =>
  JSON.parse(await t.queue.readStatuses.one(taskId)) as TaskStatus;
const expireClaims = async (): Promise<void> => {
  t.clock.advance(minutes(21));
  await t.step('expire-claims');
};

it('a worker that lost its claim cannot report, also while another one has the next run', async () => {
  const taskId = await create();
  await claim(taskId, 0);
  await expireClaims();
  await assert.rejects(resolve(taskId, 0), { code: 'RequestConflict' });
  await claim(taskId, 1);
  await assert.rejects(resolve(taskId, 0), { code: 'RequestConflict' });
  const { state, runs } = await statusOf(taskId);
  assert.deepEqual([state, runs.map((run) => run.state)], ['running', ['exception', 'running']]);
});

it('each claim uses up a run, and a task ends with a run and a reason', async () => {
  const worked = await create({ retries: 2 });
  await claim(worked, 0);
  await expireClaims();
  await claim(worked, 1);
  await stop(worked, 1);
  await claim(worked, 2);
  await resolve(worked, 2);
  const neverClaimed = await create({ deadline: fromNow(minutes(1)) });
  t.clock.advance(minutes(10));
  await t.step('end-past-deadline');
  const endsOf = async (taskId: string) => (await statusOf(taskId)).runs.map((run) => run.reasonResolved);
  assert.deepEqual(await endsOf(worked), ['claim-expired', 'worker-shutdown', 'completed']);
  assert.deepEqual(await endsOf(neverClaimed), ['deadline-exceeded']);
});

it('a task has one run more than it has retries', async () => {
  for (const retries of [0, 1, 5]) {
    const taskId = await create({ retries });
    for (let runId = 0; (await statusOf(taskId)).state === 'pending'; runId++) {
      await claim(taskId, runId);
      await stop(taskId, runId);
    }
    const { state, runs } = await statusOf(taskId);
    assert.deepEqual([state, runs.length], ['exception', retries + 1]);
  }
});

it('runs of one priority are claimed in the order in which they became pending, a retried one behind those that wait', async () => {
  const here = { workerType: 'in-order' };
  const created: string[] = [];
  for (let i = 0; i < 3; i++) {
    created.push(await create(here));
    t.clock.advance(seconds(1));
  }
  const [first = '', second, third] = created;
  assert.equal(await claimNext('in-order'), first);
  await stop(first, 0);
  assert.deepEqual(
    [await claimNext('in-order'), await claimNext('in-order'), await claimNext('in-order')],
    [second, third, first],
  );
});

it('a report may be repeated, and the second one changes nothing', async () => {
  const taskId = await create();
  await claim(taskId, 0);
  await resolve(taskId, 0);
  const sent = (await t.messages()).length;
  const before = await statusOf(taskId);
  await resolve(taskId, 0);
  assert.deepEqual(await statusOf(taskId), before);
  assert.equal((await t.messages()).length, sent);
});

it('dependents of a failed task wait until it is rerun and completes, or until their deadline', async () => {
  const failed = await create();
  const [waits, isLate] = [
    await create({ dependencies: [failed] }),
    await create({ dependencies: [failed], deadline: fromNow(minutes(30)) }),
  ];
  await claim(failed, 0);
  await resolve(failed, 0, 'failed');
  assert.equal((await statusOf(waits)).state, 'unscheduled');
  t.clock.advance(minutes(40));
  await t.step('end-past-deadline');
  assert.deepEqual(
    (await statusOf(isLate)).runs.map((run) => run.reasonResolved),
    ['deadline-exceeded'],
  );
  await t.queue.rerunTasks.one({ taskId: failed, authorize: anybody });
  await claim(failed, 1);
  await resolve(failed, 1);
  assert.equal((await statusOf(waits)).state, 'pending');
});
