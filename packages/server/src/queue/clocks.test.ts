import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { eventually } from '@taskyard/patience';
import hawk from 'hawk';
import { type Database, hours, later, minutes, seconds, slugid } from '../base/index.ts';
import { stepOf } from '../testing/index.ts';
import type { TaskStatus } from './index.ts';
import { anybody, aTask, type TestApp, type TestQueue, testApp, testQueue } from './testing.ts';

let t: TestQueue;
before(async () => {
  // A deadline that passes a moment before the task is ended: the loop has no margin.
  t = await testQueue({ deadlineDelaySeconds: 0.005 });
});
after(() => t.close());

const create = async (inMs: number, { by = t.queue, aheadMs = 0 } = {}): Promise<string> => {
  const taskId = slugid();
  const deadline = later(t.clock.now(), inMs).toJSON();
  const request = aTask(later(t.clock.now(), aheadMs), { deadline });
  await by.createTasks.one({ taskId, request, authorize: anybody });
  return taskId;
};
const statusOf = async (taskId: string): Promise<TaskStatus> =>
  JSON.parse(await t.queue.readStatuses.one(taskId)) as TaskStatus;
const reasonOf = async (taskId: string) => (await statusOf(taskId)).runs.at(-1)?.reasonResolved;

/** What the loop does in ten seconds. */
const tenSeconds = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) {
    t.clock.advance(seconds(2));
    await t.step('end-past-deadline');
  }
};

/** A process that stops for a while between its last statement and its commit. */
const slowProcess = () => {
  let goOn = (): void => {};
  const waits = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let stand = (): void => {};
  const stands = new Promise<void>((resolve) => {
    stand = resolve;
  });
  const slow = (db: Database): Database =>
    Object.assign((...statement: Parameters<Database>) => db(...statement), {
      ...db,
      transaction: (run: Parameters<Database['transaction']>[0]) =>
        db.transaction(async (tx) => {
          const value = await run(tx);
          stand();
          await waits;
          return value;
        }),
    }) as Database;
  return { queue: t.another(slow).queue, stands, goOn };
};

describe('a deadline is never missed', () => {
  it('by tasks that are created or rerun after a process whose clock is an hour ahead has looked', async () => {
    const [passed, canceled] = [await create(minutes(40)), await create(minutes(20))];
    await t.queue.cancelTasks.one({ taskId: canceled, authorize: anybody });
    await stepOf(t.ahead(hours(1)).loops)('end-past-deadline');
    assert.equal(await reasonOf(passed), 'deadline-exceeded');

    const made = await create(minutes(10));
    await t.queue.rerunTasks.one({ taskId: canceled, authorize: anybody });
    t.clock.advance(minutes(10));
    await tenSeconds();
    assert.equal(await reasonOf(made), 'deadline-exceeded');
    assert.equal((await statusOf(canceled)).state, 'pending');
    t.clock.advance(minutes(10));
    await tenSeconds();
    assert.equal(await reasonOf(canceled), 'deadline-exceeded');
    const groups = (await t.messages()).filter(({ exchange }) => exchange.endsWith('/task-group-resolved'));
    const { taskGroupId } = await statusOf(made);
    assert.ok(groups.some(({ routingKey }) => routingKey.includes(taskGroupId)));
  });

  it('by a process whose clock is an hour behind', async () => {
    const ends = await create(minutes(10));
    t.clock.advance(minutes(10));
    await tenSeconds();
    assert.equal(await reasonOf(ends), 'deadline-exceeded');
    const late = await create(-minutes(1), { by: t.ahead(-hours(1)), aheadMs: -hours(1) });
    await tenSeconds();
    assert.equal(await reasonOf(late), 'deadline-exceeded');
  });

  it('by a task whose creation is committed long after its deadline', async () => {
    const slow = slowProcess();
    const taskId = slugid();
    const request = aTask(t.clock.now(), { deadline: later(t.clock.now(), minutes(1)).toJSON() });
    const creating = slow.queue.createTasks.one({ taskId, request, authorize: anybody });
    await slow.stands;
    const others = [await create(minutes(1)), await create(minutes(2))];
    t.clock.advance(minutes(3));
    await tenSeconds();
    for (const other of others) assert.equal(await reasonOf(other), 'deadline-exceeded');

    slow.goOn();
    await creating;
    assert.equal((await statusOf(taskId)).state, 'pending');
    await tenSeconds();
    assert.equal(await reasonOf(taskId), 'deadline-exceeded');
  });

  it('by one of very many', async () => {
    const deadline = later(t.clock.now(), minutes(1)).toJSON();
    const items = Array.from({ length: 1200 }, () => ({
      taskId: slugid(),
      request: aTask(t.clock.now(), { deadline }),
      authorize: anybody,
    }));
    await t.queue.createTasks.all(items);
    t.clock.advance(minutes(2));
    await tenSeconds();
    const open = await t.db`select task_id from task_status where state = 'pending'`;
    assert.deepEqual(open, []);
  });

  it('and finished tasks are not read forever', async () => {
    const taskId = await create(minutes(1));
    const { deadline } = await statusOf(taskId);
    t.clock.advance(minutes(2));
    await tenSeconds();
    const place = { deadline: new Date(deadline), taskId };
    const settled = { ...place, lookedDeadline: place.deadline, lookedTaskId: taskId };
    // Transactions of other databases of the server count as well: it is sure only once they have ended.
    await eventually(
      'the cursor to be sure of all up to the task',
      async () => {
        await t.step('end-past-deadline');
        const [cursor] = await t.db`
          select deadline, task_id, looked_deadline, looked_task_id from deadline_cursor`;
        return cursor;
      },
      (cursor) => isDeepStrictEqual(cursor, settled),
    );
  });
});

describe('a claim', () => {
  let app: TestApp;
  before(async () => {
    app = await testApp();
  });
  after(() => app.close());

  it('still belongs to its worker after the clock was set back by an hour', async () => {
    const taskId = slugid();
    const { provisionerId, workerType, ...task } = aTask(app.clock.now());
    const body = { ...task, taskQueueId: `${provisionerId}/${workerType}` };
    assert.equal((await app.ask('PUT', `/task/${taskId}`, { body })).status, 200);
    const worker = { workerGroup: 'hall', workerId: 'one' };
    const claimed = await app.ask('POST', `/task/${taskId}/runs/0/claim`, { body: worker });
    const { clientId, accessToken, certificate } = claimed.body.credentials as Record<string, string>;

    app.clock.advance(-hours(1));
    const url = `/api/queue/v1/task/${taskId}/runs/0/reclaim`;
    const { header } = hawk.client.header(`http://localhost:80${url}`, 'POST', {
      credentials: { id: clientId as string, key: accessToken as string, algorithm: 'sha256' },
      timestamp: Math.floor(app.clock.now().getTime() / 1000),
      ext: Buffer.from(JSON.stringify({ certificate: JSON.parse(certificate as string) })).toString('base64'),
    });
    const headers = { host: 'localhost', authorization: header };
    const reply = await app.server.inject({ method: 'POST', url, headers });
    assert.equal(reply.statusCode, 200, reply.body);
  });
});
