import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { minutes, slugid } from '../base/index.ts';
import { type TestViews, testViews } from './testing.ts';

let t: TestViews;
before(async () => {
  t = await testViews();
});
after(() => t.close());

interface Line {
  readonly taskId: string;
  readonly name: string;
  readonly state: string;
  readonly dependencies: string[];
}
const linesOf = (body: Record<string, unknown>): Line[] => body.tasks as Line[];
const explained = async (taskId: string) => (await t.get(`task/${taskId}/explanation`)).body;
const authorize = () => {};

describe('the lines of a group', () => {
  it('show the status and the dependencies of each task, in pages', async () => {
    const taskGroupId = slugid();
    const first = await t.aTask({ taskGroupId, name: 'build "a\\b"' });
    const second = await t.aTask({ taskGroupId, name: 'test', dependencies: [first] });
    await t.end(first, 'failed');
    const path = `task-group/${taskGroupId}/lines`;
    const whole = await t.get(path);
    assert.deepEqual(
      linesOf(whole.body)
        .map(({ taskId, name, state, dependencies }) => ({ taskId, name, state, dependencies }))
        .sort((a, b) => a.name.localeCompare(b.name)),
      [
        { taskId: first, name: 'build "a\\b"', state: 'failed', dependencies: [] },
        { taskId: second, name: 'test', state: 'unscheduled', dependencies: [first] },
      ],
    );
    const page = await t.get(`${path}?limit=1`);
    const rest = await t.get(`${path}?limit=1&continuationToken=${page.body.continuationToken}`);
    assert.deepEqual([...linesOf(page.body), ...linesOf(rest.body)], linesOf(whole.body));
    assert.equal(rest.body.continuationToken, undefined);
  });

  it('need the scope to list the group, and are 404 without a group', async () => {
    const id = slugid();
    assert.equal((await t.get(`task-group/${id}/lines`)).status, 404);
    assert.equal((await t.get(`task-group/${id}/lines`, [])).status, 403);
    assert.equal((await t.get(`task-group/${id}/lines`, [`queue:list-task-group:${id}`])).status, 404);
  });
});

describe('the explanation of a task', () => {
  it('names the unmet dependencies, the impossible ones first', async () => {
    const [waiting, broken, met] = [
      await t.aTask({ name: 'waiting' }),
      await t.aTask({ name: 'broken' }),
      await t.aTask(),
    ];
    await t.end(met, 'completed');
    const task = await t.aTask({ dependencies: [waiting, broken, met] });
    assert.match(String((await explained(task)).because), /waits for 2 tasks/);
    await t.end(broken, 'failed');
    const { because, unmet, unmetCount } = await explained(task);
    assert.match(String(because), /^1 task that it depends on did not complete/);
    assert.deepEqual(unmet, [
      { taskId: broken, name: 'broken', state: 'failed' },
      { taskId: waiting, name: 'waiting', state: 'pending' },
    ]);
    assert.equal(unmetCount, 2);
  });

  it('says for a pending task how many go before it, by priority and age', async () => {
    const taskQueueId = 'prov/line';
    const first = await t.aTask({ taskQueueId });
    t.clock.advance(1000);
    const second = await t.aTask({ taskQueueId });
    t.clock.advance(1000);
    const urgent = await t.aTask({ taskQueueId, priority: 'high' });
    const placeOf = async (taskId: string) => ((await explained(taskId)).line as { before: number }).before;
    assert.deepEqual([await placeOf(urgent), await placeOf(first), await placeOf(second)], [0, 1, 2]);
    assert.match(String((await explained(first)).because), /No worker/);
  });

  it('says how a resolved task ended, and is 404 without a task', async () => {
    const task = await t.aTask();
    await t.claim(task);
    assert.match(String((await explained(task)).because), /runs it/);
    await t.queue.cancelTasks.one({ taskId: task, authorize });
    assert.match(String((await explained(task)).because), /canceled/);
    assert.equal((await t.get(`task/${slugid()}/explanation`)).status, 404);
    assert.equal((await t.get(`task/${task}/explanation`, [])).status, 403);
  });
});

describe('the overview', () => {
  it('shows queues, groups, running tasks, and recent failures without a rerun', async () => {
    const taskQueueId = 'prov/overview';
    const taskGroupId = slugid();
    const fields = { taskQueueId, taskGroupId };
    const [runs, failed, again] = [await t.aTask(fields), await t.aTask(fields), await t.aTask(fields)];
    t.clock.advance(minutes(1));
    await t.aTask({ ...fields, name: 'waits' });
    await t.claim(runs);
    await t.end(failed, 'failed');
    await t.end(again, 'failed');
    await t.queue.rerunTasks.one({ taskId: again, authorize });
    const { body } = await t.get('overview');
    const queue = (body.queues as { taskQueueId: string }[]).find((each) => each.taskQueueId === taskQueueId);
    assert.deepEqual(
      { ...queue, oldest: undefined },
      { taskQueueId, pending: 2, claimed: 1, oldest: undefined },
    );
    const group = (body.groups as { taskGroupId: string }[]).find((each) => each.taskGroupId === taskGroupId);
    assert.deepEqual((group as unknown as { counts: object }).counts, { failed: 1, pending: 2, running: 1 });
    const idsIn = (list: unknown) => (list as { taskId: string }[]).map(({ taskId }) => taskId);
    assert.ok(idsIn(body.running).includes(runs));
    assert.ok(idsIn(body.failed).includes(failed));
    assert.ok(!idsIn(body.failed).includes(again));
  });

  it('needs its scope', async () => {
    assert.equal((await t.get('overview', [])).status, 403);
    assert.equal((await t.get('overview', ['views:overview'])).status, 200);
  });
});
