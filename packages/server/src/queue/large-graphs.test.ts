import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { slugid } from '../base/index.ts';
import { plainTask } from '../testing/index.ts';
import { type TestApp, testApp } from './testing.ts';

describe('a large graph', () => {
  let app: TestApp;
  before(async () => {
    app = await testApp();
  });
  after(() => app.close());

  const aTask = (more: object = {}) => ({
    ...plainTask(app.clock.now()),
    taskQueueId: 'large/graphs',
    schedulerId: 'large',
    ...more,
  });

  /** This many tasks, each of which depends on the one before. */
  const chain = (size: number) => {
    const taskIds = Array.from({ length: size }, () => slugid());
    return taskIds.map((taskId, i) => {
      const before = taskIds[i - 1];
      return { taskId, task: aTask({ dependencies: before ? [before] : [] }) };
    });
  };

  it('does not block other requests while its text is parsed and validated', async () => {
    const taskGroupId = slugid();
    const events: string[] = [];
    let isOver = false;
    // The whole body has arrived. What is left is parsing and validating it, without the database.
    app.server.addHook('preHandler', (request, _reply, done) => {
      if (request.method === 'POST') events.push('body');
      done();
    });
    const url = await app.server.listen({ port: 0, host: '127.0.0.1' });
    // Each goes over a connection, so it takes turns of the event loop.
    const ping = async (): Promise<void> => {
      while (!isOver) {
        events.push('asked');
        await fetch(`${url}/api/queue/v1/ping`).then((reply) => reply.text());
        events.push('answered');
      }
    };
    const wrong = { taskId: slugid(), task: { ...aTask(), priority: 'now' } };
    const body = JSON.stringify({ tasks: [...chain(19_999), wrong] });
    const asked = app.ask('POST', `/task-group/${taskGroupId}/tasks`, { body });
    const pinging = ping();
    const refused = await asked;
    events.push('reply');
    isOver = true;
    await pinging;
    assert.equal(refused.code, 'InputValidationError');
    assert.match(refused.message, /body\.tasks\.19999\.task\.priority must be one of/);
    const meanwhile = events.slice(events.indexOf('body'), events.indexOf('reply'));
    assert.ok(meanwhile.indexOf('answered', meanwhile.indexOf('asked')) > 0, meanwhile.join(', '));
  });

  it('is created as a whole, once, with its messages in order for each task', async () => {
    const taskGroupId = slugid();
    const tasks = chain(2500);
    const create = () => app.ask('POST', `/task-group/${taskGroupId}/tasks`, { body: { tasks } });
    const created = await create();
    assert.equal(created.status, 200, created.message);
    const statuses = created.body.statuses as { taskId: string; state: string }[];
    assert.deepEqual(
      statuses.map(({ taskId, state }) => [taskId, state]),
      tasks.map(({ taskId }, i) => [taskId, i === 0 ? 'pending' : 'unscheduled']),
    );
    assert.deepEqual((await create()).body, created.body);
    const [counted] = await app.db<{ tasks: number; edges: number; blocked: number; unresolved: number }>`
      select (select count(*)::int from task_status where task_group_id = ${taskGroupId}) as tasks,
             (select count(*)::int from task_dependencies where dependent_task_id = any(${tasks.map(({ taskId }) => taskId)}::text[])) as edges,
             (select count(*)::int from blocked_tasks where task_id = any(${tasks.map(({ taskId }) => taskId)}::text[])) as blocked,
             (select sum(tasks)::int from task_group_growth where task_group_id = ${taskGroupId}) as unresolved`;
    assert.deepEqual(counted, { tasks: 2500, edges: 2499, blocked: 2499, unresolved: 2500 });
    const names = (await app.messages())
      .filter(({ routingKey }) => routingKey.includes(taskGroupId))
      .map(({ exchange, routingKey }) => `${routingKey.split('.')[1]} ${exchange.split('/').at(-1)}`);
    assert.equal(names.length, 2501);
    const [first] = tasks;
    assert.deepEqual(
      names.filter((name) => name.startsWith(first?.taskId ?? '')),
      [`${first?.taskId} task-defined`, `${first?.taskId} task-pending`],
    );
  });

  it('leaves nothing behind when one task cannot be created', async () => {
    const taken = slugid();
    await app.ask('PUT', `/task/${taken}`, { body: aTask({ tags: { kind: 'another' } }) });
    const tasks = [...chain(2500), { taskId: taken, task: aTask() }];
    const taskGroupId = slugid();
    const refused = await app.ask('POST', `/task-group/${taskGroupId}/tasks`, { body: { tasks } });
    assert.equal(refused.code, 'RequestConflict');
    const rows = await app.db`select task_id from task_status where task_group_id = ${taskGroupId}`;
    assert.equal(rows.length, 0);
    assert.equal((await app.ask('GET', `/task-group/${taskGroupId}`)).status, 404);
  });
});
