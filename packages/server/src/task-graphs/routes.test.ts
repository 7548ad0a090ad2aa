import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { slugid } from '../base/index.ts';
import { mistakesIn } from '../http/index.ts';
import { exchanges } from './events.ts';
import { anybody, aTask, type TestTaskGraphs, testTaskGraphs } from './testing.ts';

let t: TestTaskGraphs;
let app: FastifyInstance;
before(async () => {
  t = await testTaskGraphs();
  app = t.serve();
});
after(async () => {
  await app.close();
  await t.close();
});

interface Answered {
  readonly httpStatus: number;
  readonly code: string;
  readonly message: string;
  readonly errors?: readonly { readonly taskId: string; readonly code: string }[];
  readonly [field: string]: unknown;
}
const ask = async (
  method: 'GET' | 'PUT' | 'POST',
  path: string,
  { scopes = '*', body }: { scopes?: string; body?: object } = {},
): Promise<Answered> => {
  const url = `/api/scheduler/v1/task-graph/${path}`;
  const reply = await app.inject({ method, url, headers: { scopes }, ...(body ? { payload: body } : {}) });
  return { ...(reply.json() as Omit<Answered, 'httpStatus'>), httpStatus: reply.statusCode } as Answered;
};

/** A task as callers write it, without defaults. */
const task = () => {
  const { taskQueueId, created, deadline, metadata, payload } = aTask(t.clock.now());
  return { taskQueueId, created, deadline, metadata, payload };
};
const metadata = { ...aTask(new Date(0)).metadata, name: 'A graph' };
const graphOf = (tasks: object[], more: object = {}) => ({ scopes: ['queue:*'], tasks, metadata, ...more });

describe('the methods of task graphs', () => {
  it('create a graph, extend it, and show its status', async () => {
    const [id, a, b, c] = [slugid(), slugid(), slugid(), slugid()];
    const tasks = [
      { taskId: a, reruns: 1, task: task() },
      { taskId: b, requires: [a], task: task() },
    ];
    const status = { taskGraphId: id, schedulerId: 'task-graph-scheduler', state: 'running' };
    const created = await ask('PUT', id, { body: graphOf(tasks) });
    assert.deepEqual([created.httpStatus, created.status], [200, status]);
    const extended = await ask('POST', `${id}/extend`, {
      body: { tasks: [{ taskId: c, requires: [a, b], task: task() }] },
    });
    assert.deepEqual([extended.httpStatus, extended.status], [200, status]);
    assert.deepEqual((await ask('GET', `${id}/info`)).tags, {});
    const inspected = await ask('GET', `${id}/inspect`);
    assert.deepEqual(inspected.metadata, metadata);
    assert.equal((inspected.tasks as object[]).length, 3);
    const one = await ask('GET', `${id}/inspect/${a}`);
    assert.deepEqual([one.dependents, one.rerunsLeft], [[b, c].sort(), 1]);
    const scopes = `scheduler:inspect-task-graph:${id}`;
    assert.deepEqual((await ask('GET', `${id}/status`, { scopes })).status, status);
  });

  it('require their scopes', async () => {
    const id = slugid();
    const body = graphOf([{ taskId: slugid(), task: task() }], {
      scopes: ['queue:*', 'more'],
      routes: ['r'],
    });
    const needed = ['scheduler:create-task-graph', 'queue:*', 'more', 'scheduler:route:r'];
    for (const left of needed) {
      const scopes = needed.filter((scope) => scope !== left).join(' ');
      const { code, message } = await ask('PUT', id, { scopes, body });
      assert.equal(code, 'InsufficientScopes');
      assert.ok(message.includes(`  * ${left}\n`), message);
    }
    assert.equal((await ask('PUT', id, { scopes: needed.join(' '), body })).httpStatus, 200);
    const more = { tasks: [{ taskId: slugid(), task: task() }] };
    const path = `${id}/extend`;
    assert.equal((await ask('POST', path, { scopes: needed.join(' '), body: more })).httpStatus, 403);
    const mayExtend = `scheduler:extend-task-graph:${id}`;
    assert.equal((await ask('POST', path, { scopes: mayExtend, body: more })).httpStatus, 200);
    for (const read of ['status', 'info', 'inspect', `inspect/${slugid()}`])
      assert.equal((await ask('GET', `${id}/${read}`, { scopes: mayExtend })).code, 'InsufficientScopes');
  });

  it('name mistakes in a body, and list mistakes in a graph', async () => {
    const bad = graphOf([{ taskId: 'x', reruns: 101, task: { ...task(), priority: 'now' } }]);
    const malformed = await ask('PUT', slugid(), { body: bad });
    assert.equal(malformed.code, 'InputValidationError');
    for (const field of ['taskId', 'reruns', 'task.priority'])
      assert.match(malformed.message, new RegExp(`body.tasks.0.${field}`));
    assert.equal((await ask('PUT', slugid(), { body: graphOf([]) })).code, 'InputValidationError');
    const [a, b] = [slugid(), slugid()];
    const refused = await ask('PUT', slugid(), {
      body: graphOf([
        { taskId: a, requires: [slugid()], task: task() },
        { taskId: b, task: { ...task(), schedulerId: 'another' } },
      ]),
    });
    assert.equal(refused.httpStatus, 400);
    assert.deepEqual(
      refused.errors?.map(({ taskId }) => taskId),
      [a, b],
    );
    assert.match(refused.message, /None of the 2 tasks was created; 2 of them cannot be/);
    assert.equal((await ask('GET', `${slugid()}/status`)).httpStatus, 404);
    assert.equal((await ask('GET', 'no-slugid/status')).code, 'InvalidRequestArguments');
  });
});

describe('the messages of task graphs', () => {
  it('match their published schemas', async () => {
    const [id, a, b] = [slugid(), slugid(), slugid()];
    const node = (taskId: string) => ({ taskId, task: task() });
    await ask('PUT', id, { body: graphOf([node(a)]) });
    await ask('POST', `${id}/extend`, { body: { tasks: [node(b)] } });
    await t.queue.cancelTasks.one({ taskId: b, authorize: anybody });
    for (const taskId of [a, b]) {
      await t.queue.rerunTasks.one({ taskId, authorize: anybody });
      const { runs } = JSON.parse(await t.queue.readStatuses.one(taskId)) as { runs: object[] };
      const run = { taskId, runId: runs.length - 1 };
      const worker = { workerGroup: 'group', workerId: 'worker' };
      await t.queue.claimRuns.one({ ...run, worker, authorize: anybody });
      await t.queue.resolveRuns.one({ ...run, end: 'completed' });
    }
    const sent = await t.messages(id);
    assert.deepEqual(
      sent.map(({ exchange }) => exchange.replace('exchange/taskcluster-scheduler/v1/', '')),
      exchanges.map(({ exchange }) => exchange),
    );
    for (const [i, { body }] of sent.entries())
      assert.deepEqual(mistakesIn(exchanges[i]?.schema as (typeof exchanges)[0]['schema'], body), []);
  });
});
