import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { hours, later, RequestError, slugid } from '../base/index.ts';
import type { QueueVerbs } from '../queue/index.ts';
import type { FilledTaskGraph, NodeToCreate } from './schema.ts';
import { aGraph, aNode, anybody, type Platform, type TestTaskGraphs, testTaskGraphs } from './testing.ts';

let t: TestTaskGraphs;
before(async () => {
  t = await testTaskGraphs();
});
after(() => t.close());

type Report = Parameters<QueueVerbs['resolveRuns']['one']>[0];
const worker = { workerGroup: 'group', workerId: 'worker' };
type End = 'completed' | 'failed' | { reason: 'malformed-payload' | 'worker-shutdown' };

const statusOf = async (taskId: string) =>
  JSON.parse(await t.queue.readStatuses.one(taskId)) as {
    state: string;
    runs: { state: string }[];
    taskGroupId: string;
  };

/** A worker claims the last run of a task and ends it. */
const claim = async (taskId: string): Promise<number> => {
  const runId = (await statusOf(taskId)).runs.length - 1;
  await t.queue.claimRuns.one({ taskId, runId, worker, authorize: anybody });
  return runId;
};
const report = (taskId: string, runId: number, end: End, { queue }: Platform = t) =>
  queue.resolveRuns.one({
    taskId,
    runId,
    ...(typeof end === 'string' ? { end } : { end: 'exception', ...end }),
  } as Report);
const resolve = async (taskId: string, end: End = 'completed') => report(taskId, await claim(taskId), end);

const node = (fields: Parameters<typeof aNode>[1] = {}) => aNode(t.clock.now(), fields);
const create = async (
  tasks: readonly NodeToCreate[],
  fields: Partial<FilledTaskGraph> & { taskGraphId?: string } = {},
): Promise<string> => {
  const { taskGraphId = slugid(), ...rest } = fields;
  await t.taskGraphs.createTaskGraph({ taskGraphId, definition: aGraph(tasks, rest), authorize: anybody });
  return taskGraphId;
};
const extend = (taskGraphId: string, tasks: readonly NodeToCreate[]) =>
  t.taskGraphs.extendTaskGraph({ taskGraphId, tasks });
const stateOf = async (taskGraphId: string) => (await t.taskGraphs.readStatus(taskGraphId)).state;
const rerunsLeft = async (taskGraphId: string, taskId: string) =>
  (await t.taskGraphs.inspectTask({ taskGraphId, taskId })).rerunsLeft;

/** Short names of the messages about a graph, in order. */
const messagesOf = async (taskGraphId: string) =>
  (await t.messages(taskGraphId)).map(({ exchange }) => exchange.replace(/.*task-graph-/, ''));

const refused = async (attempt: Promise<unknown>): Promise<RequestError> => {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof RequestError, `refused with ${error}`);
  return error;
};

const exists = async (taskId: string) => {
  const rows = await t.db`select task_id from tasks where task_id = ${taskId}`;
  return rows.length > 0;
};

describe('a graph', () => {
  it('is created as a whole: its roots are pending, the others wait', async () => {
    const [root, leaf] = [node(), node()];
    const id = await create([root, { ...leaf, requires: [root.taskId] }]);
    assert.deepEqual(await t.taskGraphs.readStatus(id), {
      taskGraphId: id,
      schedulerId: 'task-graph-scheduler',
      state: 'running',
    });
    const status = await statusOf(root.taskId);
    assert.deepEqual([status.state, status.taskGroupId], ['pending', id]);
    assert.equal((await statusOf(leaf.taskId)).state, 'unscheduled');
    const definition = JSON.parse(await t.queue.readDefinitions.one(leaf.taskId)) as Record<string, unknown>;
    assert.deepEqual(definition.dependencies, [root.taskId]);
    assert.equal(definition.schedulerId, 'task-graph-scheduler');
  });

  it('reports its creation with its own key and routes', async () => {
    const id = await create([node()]);
    const [message] = await t.messages(id);
    assert.equal(message?.exchange, 'exchange/taskcluster-scheduler/v1/task-graph-running');
    assert.equal(message.routingKey, `primary._._._._._._.task-graph-scheduler.${id}._`);
    assert.deepEqual(message.routes, ['a.route']);
    assert.deepEqual(message.body, { version: 1, status: await t.taskGraphs.readStatus(id) });
  });

  it('makes a dependent pending with the last of its requirements, and is finished with its leaves', async () => {
    const [a, b, c] = [node(), node(), node()];
    const id = await create([a, b, { ...c, requires: [a.taskId, b.taskId] }]);
    await resolve(a.taskId);
    assert.equal((await statusOf(c.taskId)).state, 'unscheduled');
    await resolve(b.taskId);
    assert.equal((await statusOf(c.taskId)).state, 'pending');
    assert.equal(await stateOf(id), 'running');
    await resolve(c.taskId);
    assert.equal(await stateOf(id), 'finished');
    assert.deepEqual(await messagesOf(id), ['running', 'finished']);
  });

  it('shows the dependencies that its tasks wait for', async () => {
    const [a, b, c] = [node({ reruns: 3 }), node(), node()];
    const id = await create([a, b, { ...c, requires: [a.taskId, b.taskId] }]);
    await resolve(a.taskId);
    await claim(b.taskId);
    const { tasks, scopes, metadata, tags } = await t.taskGraphs.inspect(id);
    assert.deepEqual(
      [scopes, (metadata as { name: string }).name, tags],
      [['queue:*'], 'A graph', { made: 'by a test' }],
    );
    const byId = new Map(tasks.map((task) => [task.taskId, task]));
    assert.deepEqual(byId.get(a.taskId), {
      taskId: a.taskId,
      name: 'A task',
      requires: [],
      requiresLeft: [],
      reruns: 3,
      rerunsLeft: 3,
      state: 'completed',
      satisfied: true,
      dependents: [c.taskId],
    });
    assert.equal(byId.get(b.taskId)?.state, 'scheduled');
    assert.deepEqual(byId.get(c.taskId)?.requiresLeft, [b.taskId]);
    assert.equal(byId.get(c.taskId)?.state, 'unscheduled');
    for (const task of tasks)
      assert.deepEqual(await t.taskGraphs.inspectTask({ taskGraphId: id, taskId: task.taskId }), task);
  });

  it('is 404 when it does not exist, as is a task of another graph', async () => {
    const [one, other] = [node(), node()];
    const id = await create([one]);
    await create([other]);
    const missing = slugid();
    for (const attempt of [
      () => t.taskGraphs.readStatus(missing),
      () => t.taskGraphs.readInfo(missing),
      () => t.taskGraphs.inspect(missing),
      () => t.taskGraphs.inspectTask({ taskGraphId: missing, taskId: one.taskId }),
      () => t.taskGraphs.inspectTask({ taskGraphId: id, taskId: other.taskId }),
      () => t.taskGraphs.inspectTask({ taskGraphId: id, taskId: slugid() }),
      () => extend(missing, [node()]),
    ])
      assert.equal((await refused(attempt())).code, 'ResourceNotFound');
  });

  it('stays the same when it is created again, but another graph under its id is refused', async () => {
    const [a, b] = [node(), node()];
    const tasks = [a, { ...b, requires: [a.taskId] }];
    const id = await create(tasks);
    await resolve(a.taskId);
    await create(tasks, { taskGraphId: id });
    // Later than the queue would accept the tasks themselves, and in another order.
    t.clock.advance(hours(0.5));
    await create([...tasks].reverse(), { taskGraphId: id });
    await extend(id, [node()]);
    await create(tasks, { taskGraphId: id });
    assert.deepEqual(await messagesOf(id), ['running', 'extended']);
    for (const other of [
      () => create([a, b], { taskGraphId: id }),
      () => create([...tasks, node()], { taskGraphId: id }),
      () => create([a], { taskGraphId: id }),
      () => create(tasks, { taskGraphId: id, tags: {} }),
      () => create(tasks, { taskGraphId: id, scopes: ['queue:*', 'more'] }),
    ])
      assert.equal((await refused(other())).code, 'RequestConflict');
  });

  it('is created once by many simultaneous calls', async () => {
    const others = [t, t.another(), t.another()];
    const [a, b] = [node(), node()];
    const definition = aGraph([a, { ...b, requires: [a.taskId] }]);
    const id = slugid();
    const statuses = await Promise.all(
      others.map(({ taskGraphs }) =>
        taskGraphs.createTaskGraph({ taskGraphId: id, definition, authorize: anybody }),
      ),
    );
    assert.deepEqual(new Set(statuses.map(({ state }) => state)), new Set(['running']));
    assert.deepEqual(await messagesOf(id), ['running']);
  });

  it('of 2,000 tasks is created in one request and inspected in another', async () => {
    const roots = Array.from({ length: 40 }, () => node());
    const middle = Array.from({ length: 1959 }, (_, i) =>
      node({ requires: [(roots[i % 40] as NodeToCreate).taskId] }),
    );
    const last = node({ requires: middle.map(({ taskId }) => taskId) });
    const id = await create([last, ...middle, ...roots]);
    const { tasks } = await t.taskGraphs.inspect(id);
    assert.equal(tasks.length, 2000);
    assert.equal(tasks.filter(({ state }) => state === 'scheduled').length, 40);
    assert.deepEqual(
      tasks.filter(({ dependents }) => dependents.length === 0).map(({ taskId }) => taskId),
      [last.taskId],
    );
    const sealed = { taskGroupId: id, authorize: anybody };
    await t.queue.sealGroups.one(sealed);
    await t.queue.cancelGroup(sealed);
    assert.equal(await stateOf(id), 'blocked');
    assert.deepEqual(await messagesOf(id), ['running', 'blocked']);
  });

  it('is deleted when the last of its tasks has expired', async () => {
    const other = await testTaskGraphs();
    const [soon, late] = [3, 5].map((time) =>
      aNode(other.clock.now(), { task: { expires: later(other.clock.now(), hours(time)).toJSON() } }),
    ) as [NodeToCreate, NodeToCreate];
    const id = slugid();
    await other.taskGraphs.createTaskGraph({
      taskGraphId: id,
      definition: aGraph([soon]),
      authorize: anybody,
    });
    await other.taskGraphs.extendTaskGraph({ taskGraphId: id, tasks: [late] });
    const [loop] = other.taskGraphs.loops;
    other.clock.advance(hours(4));
    assert.equal(await loop?.step(5), 0);
    const expire = other.queue.loops.find(({ name }) => name === 'delete-expired-tasks');
    // The first step resolves the task, the second deletes it.
    for (let steps = 0; steps < 2; steps++) await expire?.step(100);
    const { tasks } = await other.taskGraphs.inspect(id);
    assert.deepEqual(
      tasks.map(({ taskId }) => taskId),
      [late.taskId],
    );
    other.clock.advance(hours(2));
    assert.equal(await loop?.step(5), 1);
    await assert.rejects(other.taskGraphs.inspect(id), { code: 'ResourceNotFound' });
    assert.deepEqual(await other.db`select task_id from task_graph_nodes`, []);
    await other.close();
  });
});

describe('a refused graph', () => {
  it('leaves nothing behind, and lists all its mistakes', async () => {
    const now = t.clock.now();
    const fine = node();
    const [x, y] = [node(), node()];
    const [unknown, elsewhere] = [slugid(), slugid()];
    const used = node();
    await create([used]);
    const wrong = {
      unknown: node({ requires: [unknown, fine.taskId] }),
      twice: node({ requires: [fine.taskId, fine.taskId] }),
      scheduler: node({ task: { schedulerId: 'me' } }),
      group: node({ task: { taskGroupId: elsewhere } }),
      late: node({ task: { deadline: later(now, -hours(1)).toJSON() } }),
      scopes: node({ task: { scopes: ['secret'], routes: ['a'] } }),
      anyEnd: node({ requires: [fine.taskId], task: { requires: 'all-resolved' } }),
      used: { ...node(), taskId: used.taskId },
    };
    const repeated = node();
    const tasks = [
      fine,
      { ...x, requires: [y.taskId] },
      { ...y, requires: [x.taskId] },
      repeated,
      repeated,
      ...Object.values(wrong),
    ];
    const id = slugid();
    const error = await refused(create(tasks, { taskGraphId: id }));
    assert.equal(error.code, 'InputError');
    const found = (taskId: string) =>
      (error.errors ?? [])
        .filter((each) => each.taskId === taskId)
        .map(({ code, message }) => `${code}: ${message}`);
    assert.deepEqual(found(fine.taskId), []);
    assert.match(
      found(wrong.unknown.taskId).join(),
      new RegExp(`^InputError: requires names .* ${unknown}\\.$`),
    );
    assert.match(found(wrong.twice.taskId).join(), /more than once/);
    assert.match(found(wrong.scheduler.taskId).join(), /schedulerId is me/);
    assert.match(found(wrong.group.taskId).join(), /taskGroupId is/);
    assert.match(found(wrong.late.taskId).join(), /deadline/);
    assert.match(
      found(wrong.scopes.taskId).join(),
      /^InsufficientScopes: The scopes of the graph lack secret\.$/,
    );
    assert.match(found(wrong.anyEnd.taskId).join(), /all-resolved/);
    assert.match(found(used.taskId).join(), /^RequestConflict/);
    assert.match(found(repeated.taskId).join(), /more than one task/);
    assert.match([...found(x.taskId), ...found(y.taskId)].join(), /cycle/);
    assert.equal(error.errors?.length, 10);
    assert.equal((await refused(t.taskGraphs.readStatus(id))).code, 'ResourceNotFound');
    for (const { taskId } of tasks.filter((task) => task.taskId !== used.taskId))
      assert.equal(await exists(taskId), false);
    assert.deepEqual(await messagesOf(id), []);
  });

  it('exceeds its scopes; roles that it has count', async () => {
    const tasks = [node(), node()];
    const error = await refused(create(tasks, { scopes: ['queue:scheduler-id:*'] }));
    assert.equal(error.code, 'InsufficientScopes');
    assert.equal(error.errors?.length, 2);
    assert.match(error.message, /queue:create-task:project:none, queue:create-task:lowest:prov\/type/);
    await create(tasks, { scopes: ['assume:builder'] });
  });

  it('contains a task that has run before', async () => {
    const one = node();
    const id = slugid();
    const request = { ...one.task, taskGroupId: id };
    await t.queue.createTasks.one({ taskId: one.taskId, request, authorize: anybody });
    await claim(one.taskId);
    const error = await refused(create([one], { taskGraphId: id }));
    assert.equal(error.code, 'RequestConflict');
  });
});

describe('a graph is extended', () => {
  it('by tasks that require old and new ones, and waits for them', async () => {
    const [a, b] = [node(), node()];
    const id = await create([a, b]);
    await resolve(a.taskId);
    const c = node({ requires: [a.taskId, b.taskId] });
    const d = node({ requires: [c.taskId, a.taskId] });
    assert.equal((await extend(id, [d, c])).state, 'running');
    await resolve(b.taskId);
    assert.equal(await stateOf(id), 'running');
    await resolve(c.taskId);
    assert.equal(await stateOf(id), 'running');
    await resolve(d.taskId);
    assert.equal(await stateOf(id), 'finished');
    assert.deepEqual(await messagesOf(id), ['running', 'extended', 'finished']);
  });

  it('once, however often the same call is repeated, also at once', async () => {
    const a = node();
    const id = await create([a]);
    const [b, c] = [node({ requires: [a.taskId] }), node({ requires: [a.taskId] })];
    const other = t.another();
    await Promise.all([
      extend(id, [b, c]),
      other.taskGraphs.extendTaskGraph({ taskGraphId: id, tasks: [c, b] }),
      other.taskGraphs.extendTaskGraph({ taskGraphId: id, tasks: [b] }),
    ]);
    await extend(id, [b, c]);
    const error = await refused(extend(id, [{ ...b, reruns: 1 }, node()]));
    assert.equal(error.code, 'RequestConflict');
    for (const { taskId } of [a, b, c]) await resolve(taskId);
    assert.equal(await stateOf(id), 'finished');
    const kinds = await messagesOf(id);
    assert.equal(kinds.filter((kind) => kind === 'finished').length, 1);
    assert.ok(kinds.filter((kind) => kind === 'extended').length <= 2, kinds.join());
  });

  it('as a whole or not at all', async () => {
    const a = node();
    const id = await create([a]);
    const [b, c] = [node({ requires: [a.taskId] }), node({ requires: [slugid()] })];
    const error = await refused(extend(id, [b, c]));
    assert.equal(error.errors?.[0]?.taskId, c.taskId);
    assert.equal(await exists(b.taskId), false);
    await resolve(a.taskId);
    assert.equal(await stateOf(id), 'finished');
  });

  it('while its dependencies complete, many times', async () => {
    const other = t.another();
    for (let round = 0; round < 30; round++) {
      const [a, b] = [node(), node()];
      const id = await create([a, b]);
      await resolve(b.taskId);
      const runId = await claim(a.taskId);
      const c = node({ requires: [a.taskId] });
      await Promise.all([
        report(a.taskId, runId, 'completed'),
        other.taskGraphs.extendTaskGraph({ taskGraphId: id, tasks: [c] }),
      ]);
      assert.equal((await statusOf(c.taskId)).state, 'pending');
      await resolve(c.taskId);
      assert.equal(await stateOf(id), 'finished');
    }
  });

  it('after its end without running again', async () => {
    const a = node();
    const id = await create([a]);
    await resolve(a.taskId);
    const b = node({ requires: [a.taskId] });
    assert.equal((await extend(id, [b])).state, 'finished');
    await resolve(b.taskId, 'failed');
    assert.equal(await stateOf(id), 'finished');
    await t.queue.rerunTasks.one({ taskId: b.taskId, authorize: anybody });
    await resolve(b.taskId);
    assert.deepEqual(await messagesOf(id), ['running', 'finished', 'extended', 'finished']);
  });
});

describe('a task of a graph that fails', () => {
  it('runs again while reruns are left, and then blocks the graph', async () => {
    const [a, b] = [node({ reruns: 2 }), node()];
    const id = await create([a, { ...b, requires: [a.taskId] }]);
    for (const left of [1, 0]) {
      await resolve(a.taskId, 'failed');
      assert.equal((await statusOf(a.taskId)).state, 'pending');
      assert.equal(await rerunsLeft(id, a.taskId), left);
    }
    assert.equal(await stateOf(id), 'running');
    const runId = await claim(a.taskId);
    await report(a.taskId, runId, 'failed');
    await report(a.taskId, runId, 'failed');
    assert.equal((await statusOf(a.taskId)).runs.length, 3);
    const inspected = await t.taskGraphs.inspectTask({ taskGraphId: id, taskId: a.taskId });
    assert.deepEqual([inspected.state, inspected.satisfied], ['failed', false]);
    assert.equal(await stateOf(id), 'blocked');
    const blocked = (await t.messages(id)).filter(({ exchange }) => exchange.endsWith('blocked'));
    assert.deepEqual(
      blocked.map(({ body }) => body),
      [{ version: 1, status: await t.taskGraphs.readStatus(id), taskId: a.taskId }],
    );
  });

  it('and completes in a rerun allows the graph to finish', async () => {
    const [a, b] = [node({ reruns: 1 }), node()];
    const id = await create([a, { ...b, requires: [a.taskId] }]);
    await resolve(a.taskId, 'failed');
    await resolve(a.taskId);
    await resolve(b.taskId);
    assert.deepEqual(await messagesOf(id), ['running', 'finished']);
  });

  it('is reported as failed; the new run follows in the same transaction', async () => {
    const a = node({ reruns: 1 });
    await create([a]);
    const record = await resolve(a.taskId, 'failed');
    assert.equal(record.runs.at(-1)?.state, 'failed');
    const runs = (await statusOf(a.taskId)).runs as { state: string; reasonCreated?: string }[];
    assert.deepEqual(
      runs.map(({ state, reasonCreated }) => `${state} ${reasonCreated}`),
      ['failed scheduled', 'pending rerun'],
    );
  });

  it('past its deadline is not rerun', async () => {
    const a = node({ reruns: 1 });
    const id = await create([a]);
    const runId = await claim(a.taskId);
    t.clock.advance(hours(1) + 1);
    await report(a.taskId, runId, 'failed');
    assert.equal(await rerunsLeft(id, a.taskId), 1);
    assert.equal(await stateOf(id), 'blocked');
  });

  it('fifty times is not rerun, even if reruns are left', async () => {
    const a = node({ reruns: 100 });
    const id = await create([a]);
    for (let run = 0; run < 50; run++) await resolve(a.taskId, 'failed');
    assert.equal(await stateOf(id), 'blocked');
    assert.equal(await rerunsLeft(id, a.taskId), 51);
  });
});

describe('a graph is blocked', () => {
  it('by the first exception, once; other branches continue', async () => {
    const [a, b, c] = [node({ reruns: 5 }), node(), node()];
    const id = await create([a, b, { ...c, requires: [b.taskId] }]);
    await resolve(a.taskId, { reason: 'malformed-payload' });
    assert.equal(await stateOf(id), 'blocked');
    assert.equal(await rerunsLeft(id, a.taskId), 5);
    await resolve(b.taskId);
    assert.equal((await statusOf(c.taskId)).state, 'pending');
    await resolve(c.taskId, 'failed');
    assert.deepEqual(await messagesOf(id), ['running', 'blocked']);
  });

  it('not by a retry of the queue', async () => {
    const a = node();
    const id = await create([a]);
    await resolve(a.taskId, { reason: 'worker-shutdown' });
    assert.equal((await statusOf(a.taskId)).state, 'pending');
    assert.equal(await stateOf(id), 'running');
  });

  it('by a canceled task', async () => {
    const [a, b] = [node(), node()];
    const id = await create([a, { ...b, requires: [a.taskId] }]);
    await t.queue.cancelTasks.one({ taskId: b.taskId, authorize: anybody });
    assert.equal(await stateOf(id), 'blocked');
  });

  it('by a deadline', async () => {
    const id = await create([node()]);
    t.clock.advance(hours(2));
    const loop = t.queue.loops.find(({ name }) => name === 'end-past-deadline');
    while ((await loop?.step(500)) ?? 0) assert.ok(loop);
    assert.equal(await stateOf(id), 'blocked');
  });

  it('and does not run again, but is finished when the blocking task completes after all', async () => {
    const [a, b] = [node(), node()];
    const id = await create([a, { ...b, requires: [a.taskId] }]);
    await resolve(a.taskId, 'failed');
    await extend(id, [node({ requires: [b.taskId] })]);
    await t.queue.rerunTasks.one({ taskId: a.taskId, authorize: anybody });
    await resolve(a.taskId);
    await resolve(b.taskId);
    assert.equal(await stateOf(id), 'blocked');
    const { tasks } = await t.taskGraphs.inspect(id);
    const last = tasks.find(({ requires }) => requires.includes(b.taskId));
    await resolve(last?.taskId as string);
    assert.deepEqual(await messagesOf(id), ['running', 'blocked', 'extended', 'finished']);
  });

  it('never by other tasks in its group', async () => {
    const id = await create([node()]);
    const stranger = node();
    const request = { ...stranger.task, taskGroupId: id };
    await t.queue.createTasks.one({ taskId: stranger.taskId, request, authorize: anybody });
    await resolve(stranger.taskId, 'failed');
    assert.equal(await stateOf(id), 'running');
  });
});

describe('at once', () => {
  it('the last two requirements release their dependent once, and the last two leaves finish the graph once', async () => {
    const other = t.another();
    for (let round = 0; round < 60; round++) {
      const [a, b] = [node(), node()];
      const c = node({ requires: [a.taskId, b.taskId] });
      const [d, e] = [node({ requires: [c.taskId] }), node({ requires: [c.taskId] })];
      const id = await create([a, b, c, d, e]);
      for (const [one, two] of [[a, b], [c], [d, e]] as NodeToCreate[][]) {
        const ids = [one, two].filter((each) => each !== undefined).map(({ taskId }) => taskId);
        const runs = await Promise.all(ids.map(claim));
        await Promise.all(
          ids.map((taskId, i) => report(taskId, runs[i] as number, 'completed', i === 0 ? t : other)),
        );
      }
      assert.equal((await statusOf(c.taskId)).runs.length, 1);
      assert.deepEqual(await messagesOf(id), ['running', 'finished']);
    }
  });

  it('many failing tasks of two graphs lose no rerun, and block each graph once', async () => {
    const other = t.another();
    for (let round = 0; round < 10; round++) {
      const groups = [0, 1].map(() => Array.from({ length: 6 }, () => node({ reruns: 1 })));
      const ids = await Promise.all(groups.map((tasks) => create(tasks)));
      const taskIds = groups.flat().map(({ taskId }) => taskId);
      for (const _ of [0, 1]) {
        const runs = await Promise.all(taskIds.map(claim));
        await Promise.all(
          taskIds.map((taskId, i) => report(taskId, runs[i] as number, 'failed', i % 2 === 0 ? t : other)),
        );
      }
      for (const id of ids) assert.deepEqual(await messagesOf(id), ['running', 'blocked']);
      for (const taskId of taskIds) assert.equal((await statusOf(taskId)).runs.length, 2);
    }
  });
});
