import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { hours, minutes, slugid } from '../base/index.ts';
import { mistakesIn } from '../http/index.ts';
import type { SentMessage } from '../testing/index.ts';
import { exchangesWith, type FilledTaskRequest, taskDefinedMessage } from './index.ts';
import { anybody, aTask, type TestQueue, testQueue } from './testing.ts';

let t: TestQueue;
before(async () => {
  t = await testQueue();
});
after(() => t.close());

const worker = { workerGroup: 'hall', workerId: 'one' };
// The schema of artifacts belongs to a higher floor, and no artifact is created here.
const declared = new Map(exchangesWith(taskDefinedMessage).map((each) => [each.exchange, each]));
const prefix = 'exchange/taskcluster-queue/v1/';

/** Checks a message against the reference of its exchange: the body by its schema, the key word by word. */
const assertAsDeclared = ({ exchange, routingKey, body }: SentMessage): void => {
  assert.ok(exchange.startsWith(prefix), exchange);
  const declaration = declared.get(exchange.slice(prefix.length));
  assert.ok(declaration, `${exchange} is declared`);
  assert.deepEqual(mistakesIn(declaration.schema, structuredClone(body)), []);
  const words = routingKey.split('.');
  assert.equal(words.length, declaration.routingKey.length, routingKey);
  assert.ok(Buffer.byteLength(routingKey) <= 255);
  for (const [i, { name, required, constant }] of declaration.routingKey.entries()) {
    if (constant) assert.equal(words[i], constant);
    if (required) assert.notEqual(words[i], '_', `${name} of ${exchange}`);
  }
};

let seen = 0;
/** The messages since the last call, in short, after each was checked against its declaration. */
const news = async (): Promise<SentMessage[]> => {
  const messages = await t.messages(seen);
  seen = messages.at(-1)?.id ?? seen;
  for (const message of messages) assertAsDeclared(message);
  return messages;
};
const inShort = async (): Promise<string[]> =>
  (await news()).map(({ exchange, body }) => {
    const runId = body.runId === undefined ? '' : ` ${body.runId}`;
    return `${exchange.slice(prefix.length)}${runId}`;
  });

const create = async (fields: Partial<FilledTaskRequest> = {}): Promise<string> => {
  const taskId = slugid();
  await t.queue.createTasks.one({ taskId, request: aTask(t.clock.now(), fields), authorize: anybody });
  return taskId;
};
const claim = (taskId: string, runId = 0) =>
  t.queue.claimRuns.one({ taskId, runId, worker, authorize: anybody });
const complete = (taskId: string, runId = 0) => t.queue.resolveRuns.one({ taskId, runId, end: 'completed' });

describe('the messages of a life', () => {
  it('report each change once, in order, with key, routes and body', async () => {
    await news();
    const taskGroupId = slugid();
    const routes = ['index.one', 'index.two'];
    const tags = { kind: 'build', quoted: 'a "b" \\ c', line: '\n' };
    const taskId = await create({ taskGroupId, routes, tags, schedulerId: 'sched', retries: 1 });
    const key = (run: string) => `primary.${taskId}.${run}.prov.type.sched.${taskGroupId}._`;
    const statuses: string[] = [];
    const lookAt = async (expected: readonly (readonly [name: string, key: string, more?: object])[]) => {
      const messages = await news();
      const stored = JSON.parse(await t.queue.readStatuses.one(taskId)) as { state: string };
      assert.deepEqual(
        messages.map(({ exchange, routingKey }) => [exchange, routingKey]),
        expected.map(([name, words]) => [prefix + name, words]),
      );
      for (const [i, { body, ...message }] of messages.entries()) {
        if (message.exchange.includes('task-group')) continue;
        assert.deepEqual(message.routes, routes);
        const { version, status, task, ...rest } = body as Record<string, unknown>;
        assert.equal(version, 1);
        assert.deepEqual(rest, expected[i]?.[2] ?? {});
        if (task) assert.deepEqual(task, { tags });
        statuses.push(JSON.stringify(status));
      }
      // The last one contains the current status of the task.
      assert.deepEqual(JSON.parse(statuses.at(-1) ?? '{}'), stored);
    };
    await lookAt([
      ['task-defined', key('_._._')],
      ['task-pending', key('0._._'), { runId: 0 }],
    ]);
    const [defined = ''] = statuses;
    assert.match(defined, /"state":"unscheduled","runs":\[\]/);

    const { takenUntil } = JSON.parse(await claim(taskId)) as { takenUntil: string };
    await lookAt([['task-running', key('0.hall.one'), { runId: 0, ...worker, takenUntil }]]);

    await t.queue.changePriorities.one({ taskId, newPriority: 'high', authorize: anybody });
    await lookAt([
      ['task-priority-changed', key('0.hall.one'), { oldPriority: 'lowest', newPriority: 'high' }],
    ]);

    await t.queue.resolveRuns.one({ taskId, runId: 0, end: 'exception', reason: 'worker-shutdown' });
    await lookAt([
      ['task-exception', key('0.hall.one'), { runId: 0, ...worker }],
      ['task-pending', key('1._._'), { runId: 1 }],
    ]);

    const second = JSON.parse(await claim(taskId, 1)) as { takenUntil: string };
    await complete(taskId, 1);
    await lookAt([
      ['task-running', key('1.hall.one'), { runId: 1, ...worker, takenUntil: second.takenUntil }],
      ['task-completed', key('1.hall.one'), { runId: 1, ...worker }],
      ['task-group-resolved', `primary.${taskGroupId}.sched._`],
    ]);
  });

  it('are not sent when nothing changes: for repetitions, and for prolonged claims', async () => {
    const taskId = await create();
    await claim(taskId);
    await news();
    await claim(taskId);
    await t.queue.reclaimRuns.one({ taskId, runId: 0 });
    await t.queue.scheduleTasks.one({ taskId, authorize: anybody });
    await t.queue.rerunTasks.one({ taskId, authorize: anybody });
    assert.deepEqual(await inShort(), []);
    await complete(taskId);
    assert.deepEqual(await inShort(), ['task-completed 0', 'task-group-resolved']);
    await complete(taskId);
    await t.queue.cancelTasks.one({ taskId, authorize: anybody });
    assert.deepEqual(await inShort(), []);
  });

  it('of a failure, and of a rerun', async () => {
    const taskId = await create();
    await claim(taskId);
    await t.queue.resolveRuns.one({ taskId, runId: 0, end: 'failed' });
    await t.queue.rerunTasks.one({ taskId, authorize: anybody });
    assert.deepEqual((await inShort()).slice(-3), ['task-failed 0', 'task-group-resolved', 'task-pending 1']);
  });

  it('of an end without a worker do not name one', async () => {
    const unscheduled = await create({ dependencies: [await create()] });
    const pending = await create();
    await news();
    await t.queue.cancelTasks.one({ taskId: unscheduled, authorize: anybody });
    await t.queue.cancelTasks.one({ taskId: pending, authorize: anybody });
    const ends = (await news()).filter(({ exchange }) => exchange === `${prefix}task-exception`);
    for (const { routingKey, body } of ends) {
      assert.deepEqual(routingKey.split('.').slice(2, 5), ['0', '_', '_']);
      assert.deepEqual([body.runId, body.workerGroup, body.workerId], [0, undefined, undefined]);
    }
    assert.deepEqual(
      ends.map(({ body }) => (body.status as { taskId: string }).taskId),
      [unscheduled, pending],
    );
  });

  it('of a claim that expired and of a deadline that passed', async () => {
    const taskId = await create({ retries: 0 });
    const unscheduled = await create({ dependencies: [taskId], requires: 'all-resolved' });
    await claim(taskId);
    await news();
    t.clock.advance(minutes(21));
    await t.step('expire-claims');
    assert.deepEqual(await inShort(), ['task-exception 0', 'task-pending 0', 'task-group-resolved']);
    t.clock.advance(hours(1));
    await t.step('end-past-deadline');
    const ends = (await news()).filter(
      ({ body }) => (body.status as { taskId?: string })?.taskId === unscheduled,
    );
    assert.deepEqual(
      ends.map(({ exchange, body }) => [
        exchange.slice(prefix.length),
        (body.status as { runs: { reasonResolved: string }[] }).runs[0]?.reasonResolved,
      ]),
      [['task-exception', 'deadline-exceeded']],
    );
  });

  it('of dependents follow the resolution that released them', async () => {
    const required = await create();
    const dependent = await create({ dependencies: [required] });
    await claim(required);
    await news();
    await complete(required);
    const messages = (await news()).filter(({ exchange }) => !exchange.includes('task-group'));
    assert.deepEqual(
      messages.map(({ exchange, routingKey }) => [exchange.slice(prefix.length), routingKey.split('.')[1]]),
      [
        ['task-completed', required],
        ['task-pending', dependent],
      ],
    );
  });

  it('of a group: sealed at each call, its priority once for all, resolved when nothing is left', async () => {
    const taskGroupId = slugid();
    const ids = [await create({ taskGroupId }), await create({ taskGroupId })];
    await news();
    await t.queue.sealGroups.one({ taskGroupId, authorize: anybody });
    await t.queue.sealGroups.one({ taskGroupId, authorize: anybody });
    const [first, second] = await news();
    assert.equal(first?.routingKey, `primary.${taskGroupId}.-._`);
    assert.deepEqual(first?.routes, []);
    assert.deepEqual(second?.body, first?.body);
    await t.queue.changeGroupPriority({ taskGroupId, newPriority: 'high', authorize: anybody });
    const [changed, ...others] = await news();
    assert.deepEqual(others, []);
    const { version, ...about } = changed?.body ?? {};
    assert.deepEqual(about, { taskGroupId, schedulerId: '-', newPriority: 'high', tasksAffected: 2 });
    await t.queue.cancelGroup({ taskGroupId, authorize: anybody });
    assert.deepEqual(await inShort(), ['task-exception 0', 'task-exception 0', 'task-group-resolved']);
    await t.queue.rerunTasks.one({ taskId: ids[0] ?? '', authorize: anybody });
    await claim(ids[0] ?? '', 1);
    await complete(ids[0] ?? '', 1);
    // Again, since a task of it resolved again and none is left.
    assert.equal((await inShort()).at(-1), 'task-group-resolved');
  });

  it('of two changes of one priority in one batch report both', async () => {
    const taskId = await create();
    await news();
    await t.queue.changePriorities.all(
      (['high', 'medium'] as const).map((newPriority) => ({ taskId, newPriority, authorize: anybody })),
    );
    assert.deepEqual(
      (await news()).map(({ body }) => [body.oldPriority, body.newPriority]),
      [
        ['lowest', 'high'],
        ['high', 'medium'],
      ],
    );
  });
});
