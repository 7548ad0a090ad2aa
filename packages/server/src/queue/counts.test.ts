import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { days, slugid } from '../base/index.ts';
import { aTask, type TestApp, testApp } from './testing.ts';

let t: TestApp;
before(async () => {
  t = await testApp();
});
after(() => t.close());

const counted = (taskQueueIds: readonly unknown[], scopes?: readonly string[]) =>
  t.ask('POST', '/task-queues/counts', { body: { taskQueueIds }, ...(scopes ? { scopes } : {}) });
/** Creates tasks; returns their ids. */
const create = async (workerType: string, count: number): Promise<string[]> => {
  const taskIds = Array.from({ length: count }, () => slugid());
  for (const taskId of taskIds) {
    const { provisionerId: _, workerType: __, ...task } = aTask(t.clock.now(), {});
    const body = { ...task, taskQueueId: `counts/${workerType}` };
    const { status, message } = await t.ask('PUT', `/task/${taskId}`, { body });
    assert.equal(status, 200, message);
  }
  return taskIds;
};

describe('the numbers of many task queues', () => {
  it('are those of each, once, in the order of the request, with zeros for one that is unknown', async () => {
    const [, ...claimed] = await create('busy', 3);
    await create('quiet', 1);
    const worker = { workerGroup: 'hall', workerId: 'one' };
    for (const taskId of claimed)
      assert.equal((await t.ask('POST', `/task/${taskId}/runs/0/claim`, { body: worker })).status, 200);
    const { status, body } = await counted(['counts/quiet', 'counts/none', 'counts/busy', 'counts/quiet']);
    assert.equal(status, 200);
    assert.deepEqual(body.taskQueueCounts, [
      { taskQueueId: 'counts/quiet', pendingTasks: 1, claimedTasks: 0 },
      { taskQueueId: 'counts/none', pendingTasks: 0, claimedTasks: 0 },
      { taskQueueId: 'counts/busy', pendingTasks: 1, claimedTasks: 2 },
    ]);
    const one = await t.ask('GET', '/task-queues/counts%2Fbusy/counts');
    assert.deepEqual(one.body, {
      provisionerId: 'counts',
      workerType: 'busy',
      taskQueueId: 'counts/busy',
      pendingTasks: 1,
      claimedTasks: 2,
    });
  });

  it('leave out what is past its deadline', async () => {
    await create('late', 1);
    t.clock.advance(days(2));
    const { body } = await counted(['counts/late']);
    assert.deepEqual(body.taskQueueCounts, [
      { taskQueueId: 'counts/late', pendingTasks: 0, claimedTasks: 0 },
    ]);
  });

  it('need both scopes of every queue that is named', async () => {
    const both = (name: string) => [
      `queue:pending-count:counts/${name}`,
      `queue:claimed-count:counts/${name}`,
    ];
    const all = [...both('a'), ...both('b')];
    assert.equal((await counted(['counts/a', 'counts/b'], all)).status, 200);
    for (const missing of all) {
      const scopes = all.filter((scope) => scope !== missing);
      const { status, code } = await counted(['counts/a', 'counts/b'], scopes);
      assert.deepEqual([status, code], [403, 'InsufficientScopes'], missing);
    }
  });

  it('are those of 1 to 1000 task queues', async () => {
    const many = Array.from({ length: 1001 }, (_, i) => `counts/q${i}`);
    assert.equal((await counted(many.slice(1))).status, 200);
    for (const wrong of [[], many, ['counts'], [1], ['counts/a/b']]) {
      const { status, code } = await counted(wrong);
      assert.deepEqual([status, code], [400, 'InputValidationError'], String(wrong).slice(0, 20));
    }
  });
});
