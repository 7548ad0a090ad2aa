import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { hours, minutes, RequestError, slugid } from '../base/index.ts';
import { heldTransaction, untilBlocked } from '../testing/index.ts';
import type { FilledTaskRequest } from './index.ts';
import { anybody, aTask, type TestQueue, testQueue } from './testing.ts';

let t: TestQueue;
before(async () => {
  t = await testQueue();
});
after(() => t.close());

const worker = { workerGroup: 'hall', workerId: 'one' };

const create = async (fields: Partial<FilledTaskRequest>): Promise<string> => {
  const taskId = slugid();
  await t.queue.createTasks.one({ taskId, request: aTask(t.clock.now(), fields), authorize: anybody });
  return taskId;
};

const resolve = async (taskId: string, end: 'completed' | 'failed'): Promise<void> => {
  await t.queue.claimRuns.one({ taskId, runId: 0, worker, authorize: anybody });
  await t.queue.resolveRuns.one({ taskId, runId: 0, end });
};

const runsOf = async (taskId: string): Promise<string[]> => {
  const { runs } = JSON.parse(await t.queue.readStatuses.one(taskId)) as { runs: { state: string }[] };
  return runs.map(({ state }) => state);
};

const later = (ms: number): string => new Date(t.clock.now().getTime() + ms).toJSON();

it('gives each failed task of a group one more run, once, and does not touch the others', async () => {
  const taskGroupId = slugid();
  const failed = [await create({ taskGroupId }), await create({ taskGroupId })];
  const [completed, waiting] = [await create({ taskGroupId }), await create({ taskGroupId })];
  const canceled = await create({ taskGroupId });
  const late = await create({ taskGroupId, deadline: later(minutes(5)) });
  const elsewhere = await create({});
  for (const taskId of [...failed, late, elsewhere]) await resolve(taskId, 'failed');
  await resolve(completed, 'completed');
  await t.queue.cancelTasks.one({ taskId: canceled, authorize: anybody });
  await t.clock.advance(minutes(10));

  const asked = { taskGroupId, authorize: anybody };
  const replies = await Promise.all(Array.from({ length: 5 }, () => t.queue.rerunGroup(asked)));
  assert.deepEqual(
    replies.flatMap(({ taskIds }) => taskIds).sort(),
    [...failed, canceled].sort(),
    'each in the reply of one call',
  );
  for (const taskId of failed) assert.deepEqual(await runsOf(taskId), ['failed', 'pending']);
  assert.deepEqual(await runsOf(canceled), ['exception', 'pending']);
  assert.deepEqual(await runsOf(completed), ['completed']);
  assert.deepEqual(await runsOf(waiting), ['pending']);
  for (const taskId of [late, elsewhere]) assert.deepEqual(await runsOf(taskId), ['failed']);
  assert.deepEqual((await t.queue.rerunGroup(asked)).taskIds, []);
});

it('names a task in the reply of one call, also when simultaneous calls found it together', async () => {
  const taskGroupId = slugid();
  const taskId = await create({ taskGroupId });
  await resolve(taskId, 'failed');
  const lock = await heldTransaction(
    t.db,
    (tx) => tx`select task_id from task_status where task_id = ${taskId} for update`,
  );
  const asked = { taskGroupId, authorize: anybody };
  const calls = [t.queue.rerunGroup(asked), t.queue.rerunGroup(asked)];
  await untilBlocked(t.db, 2);
  await lock.end();
  const replies = await Promise.all(calls);
  assert.deepEqual(
    replies.flatMap(({ taskIds }) => taskIds),
    [taskId],
  );
  assert.deepEqual(await runsOf(taskId), ['failed', 'pending']);
});

it('needs the scope of the group, and is 404 for an unknown group', async () => {
  const taskGroupId = slugid();
  const taskId = await create({ taskGroupId, schedulerId: 'sched', deadline: later(hours(1)) });
  await resolve(taskId, 'failed');
  const asked: unknown[] = [];
  const authorize = (values: unknown): never => {
    asked.push(values);
    throw new RequestError('InsufficientScopes', 'no');
  };
  await assert.rejects(t.queue.rerunGroup({ taskGroupId, authorize }), { code: 'InsufficientScopes' });
  assert.deepEqual(asked, [{ schedulerId: 'sched' }]);
  assert.deepEqual(await runsOf(taskId), ['failed']);
  await assert.rejects(t.queue.rerunGroup({ taskGroupId: slugid(), authorize: anybody }), {
    code: 'ResourceNotFound',
  });
});
