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

describe('a selection of the tasks of a group', () => {
  const taskGroupId = slugid();
  const path = `task-group/${taskGroupId}`;
  const ids = new Map<string, string>();
  const selected = async (query: string): Promise<string[]> => {
    const names: string[] = [];
    let token = '';
    do {
      const { status, body } = await t.get(`${path}/selection?${query}${token}`);
      assert.equal(status, 200, JSON.stringify(body));
      names.push(...linesOf(body).map(({ name }) => name));
      token = body.continuationToken ? `&continuationToken=${body.continuationToken}` : '';
    } while (token);
    return names;
  };
  before(async () => {
    const make = async (name: string, taskQueueId: string, dependencies: string[] = []) =>
      ids.set(name, await t.aTask({ taskGroupId, name, taskQueueId, dependencies }));
    await make('Build Linux', 'prov/large');
    await make('build_mac', 'prov/small');
    await make('buildXmac', 'prov/small');
    await make('100% of it', 'prov/small', [ids.get('Build Linux') as string]);
    t.clock.advance(1000);
    await t.claim(ids.get('build_mac') as string);
    t.clock.advance(5000);
    await t.claim(ids.get('Build Linux') as string);
    t.clock.advance(1000);
    await t.queue.resolveRuns.one({ taskId: ids.get('Build Linux') as string, runId: 0, end: 'failed' });
    t.clock.advance(9000);
    await t.queue.resolveRuns.one({ taskId: ids.get('build_mac') as string, runId: 0, end: 'completed' });
    // As a task from before names were kept beside the status.
    await t.db`update task_status set name = null where task_id = ${ids.get('buildXmac')}`;
  });

  it('is sorted as wanted, over all pages', async () => {
    for (const limit of ['limit=1', 'limit=3', 'limit=100']) {
      assert.deepEqual(await selected(limit), ['Build Linux', 'buildXmac', '100% of it', 'build_mac']);
      assert.deepEqual(await selected(`sort=name&${limit}`), [
        '100% of it',
        'Build Linux',
        'buildXmac',
        'build_mac',
      ]);
      assert.deepEqual((await selected(`sort=queue&${limit}`))[0], 'Build Linux');
      assert.deepEqual((await selected(`sort=started&${limit}`)).slice(0, 2), ['Build Linux', 'build_mac']);
      assert.deepEqual((await selected(`sort=duration&${limit}`)).slice(0, 2), ['build_mac', 'Build Linux']);
    }
  });

  it('has what fits all words in upper or lower case, each character as it is, and one of the states', async () => {
    assert.deepEqual(await selected('sort=name&search=BUILD'), ['Build Linux', 'buildXmac', 'build_mac']);
    assert.deepEqual(await selected('search=large%20build'), ['Build Linux']);
    assert.deepEqual(await selected('search=build_mac'), ['build_mac']);
    assert.deepEqual(await selected('search=0%25'), ['100% of it']);
    assert.deepEqual(await selected(`search=${ids.get('buildXmac')}`), ['buildXmac']);
    assert.deepEqual(await selected('state=pending,unscheduled'), ['buildXmac', '100% of it']);
    // No short word: chance may write one into an id.
    assert.deepEqual(await selected('state=failed&search=build_mac'), []);
    const [line] = linesOf((await t.get(`${path}/selection?search=0%25`)).body);
    assert.deepEqual(line?.dependencies, [ids.get('Build Linux')]);
  });

  it('is counted exactly, as is the whole group', async () => {
    const none = { unscheduled: 0, pending: 0, running: 0, completed: 0, failed: 0, exception: 0 };
    assert.deepEqual((await t.get(`${path}/counts?search=build&state=failed,completed,failed`)).body, {
      taskGroupId,
      total: 4,
      counts: { ...none, unscheduled: 1, pending: 1, completed: 1, failed: 1 },
      fitting: 2,
      fittingCounts: { ...none, pending: 1, completed: 1, failed: 1 },
    });
  });

  it('needs the scope to list the group, a group, and what can be sorted by', async () => {
    const id = slugid();
    for (const method of ['selection', 'counts']) {
      assert.equal((await t.get(`task-group/${id}/${method}`)).status, 404);
      assert.equal((await t.get(`${path}/${method}`, [])).status, 403);
      assert.equal((await t.get(`${path}/${method}?search=none`)).status, 200);
      assert.equal((await t.get(`${path}/${method}?state=done`)).status, 400);
    }
    assert.equal((await t.get(`${path}/selection?sort=owner`)).status, 400);
    assert.equal((await t.get(`${path}/selection?continuationToken=x`)).status, 200);
  });
});

describe('the first causes of a group', () => {
  const taskGroupId = slugid();
  const path = `task-group/${taskGroupId}/first-causes`;
  const ids: Record<string, string> = {};
  const causes = async (query = '') => {
    const { status, body } = await t.get(`${path}${query}`);
    assert.equal(status, 200, JSON.stringify(body));
    const all = body.causes as { task: Line; waiting: number }[];
    return { ...body, causes: all.map(({ task, waiting }) => [task.name, waiting]) };
  };
  before(async () => {
    const make = async (name: string, needs: string[] = [], fields = {}) => {
      const dependencies = needs.map((need) => ids[need] as string);
      ids[name] = await t.aTask({ taskGroupId, name, dependencies, ...fields });
    };
    await make('small');
    await make('large');
    await make('fine');
    await make('a', ['large', 'fine']);
    await make('b', ['a', 'small']);
    await make('c', ['b', 'a']);
    await make('report', ['c', 'large'], { requires: 'all-resolved' });
    await make('alone', ['fine']);
  });

  it('are none while nothing has gone wrong', async () => {
    assert.deepEqual(await causes(), { taskGroupId, found: 0, isExact: true, causes: [] });
  });

  it('are what went wrong on its own, with all that waits for it in vain', async () => {
    await t.end(ids.fine as string, 'completed');
    await t.end(ids.small as string, 'failed');
    t.clock.advance(1000);
    await t.end(ids.large as string, 'failed');
    assert.deepEqual(await causes(), {
      taskGroupId,
      found: 2,
      isExact: true,
      causes: [
        ['large', 3],
        ['small', 2],
      ],
    });
    assert.deepEqual((await causes('?limit=1')).causes, [['large', 3]]);
    // What was canceled because it waited in vain is a consequence; what ran whatever happened before is a cause.
    await t.queue.cancelTasks.one({ taskId: ids.a as string, authorize });
    await t.queue.cancelTasks.one({ taskId: ids.b as string, authorize });
    await t.queue.cancelTasks.one({ taskId: ids.c as string, authorize });
    await t.end(ids.report as string, 'failed');
    assert.deepEqual((await causes()).causes, [
      ['large', 3],
      ['small', 2],
      ['report', 0],
    ]);
  });

  it('loop-in-the-graph: a task that needs itself is a cause, and so is one that needs another group', async () => {
    const elsewhere = await t.aTask({ name: 'elsewhere' });
    await t.end(elsewhere, 'failed');
    const group = slugid();
    const [loop, after] = [slugid(), slugid()];
    const plain = { taskGroupId: group, dependencies: [loop] };
    await t.aTask({ ...plain, name: 'loop', taskId: loop });
    await t.aTask({ ...plain, name: 'after', taskId: after });
    const far = await t.aTask({ taskGroupId: group, name: 'far', dependencies: [elsewhere] });
    for (const taskId of [loop, far]) await t.queue.cancelTasks.one({ taskId, authorize });
    const { body } = await t.get(`task-group/${group}/first-causes`);
    const found = (body.causes as { task: Line; waiting: number }[]).map(({ task, waiting }) => [
      task.name,
      waiting,
    ]);
    assert.deepEqual(found, [
      ['loop', 1],
      ['far', 0],
    ]);
  });

  it('need the scope to list the group, and are 404 without a group', async () => {
    const id = slugid();
    for (const each of ['/first-causes', '/part', '']) {
      assert.equal((await t.get(`task-group/${id}${each}`)).status, 404);
      assert.equal((await t.get(`task-group/${id}${each}`, [])).status, 403);
    }
  });
});

describe('a part of a group', () => {
  it('has the tasks that fit, and those beside them in the group', async () => {
    const taskGroupId = slugid();
    const elsewhere = await t.aTask({ name: 'elsewhere' });
    const base = await t.aTask({ taskGroupId, name: 'base' });
    const middle = await t.aTask({ taskGroupId, name: 'middle', dependencies: [base, elsewhere] });
    const top = await t.aTask({ taskGroupId, name: 'top', dependencies: [middle] });
    await t.aTask({ taskGroupId, name: 'beyond', dependencies: [top] });
    const part = async (query: string) => {
      const { body } = await t.get(`task-group/${taskGroupId}/part?${query}`);
      const [first, ...others] = linesOf(body).map(({ name }) => name);
      return { chosen: body.chosen, names: [first, ...others.sort()] };
    };
    assert.deepEqual(await part('search=middle'), { chosen: 1, names: ['middle', 'base', 'top'] });
    assert.deepEqual(await part('state=pending'), { chosen: 1, names: ['base', 'middle'] });
    assert.deepEqual(await part('sort=name'), { chosen: 4, names: ['base', 'beyond', 'middle', 'top'] });
  });
});

describe('one group', () => {
  it('is described as in a listing', async () => {
    const taskGroupId = slugid();
    await t.aTask({ taskGroupId, name: 'any', tags: { graph: 'nightly' } });
    const { body } = await t.get(`task-group/${taskGroupId}`);
    assert.equal(body.name, 'nightly');
    assert.deepEqual(body.counts, { pending: 1 });
    const listed = (await t.get('task-groups?name=nightly')).body.groups as object[];
    assert.deepEqual(listed, [body]);
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

  it('says that the worker pool is paused, since when and why', async () => {
    const taskQueueId = 'prov/paused';
    const task = await t.aTask({ taskQueueId });
    const now = t.clock.now();
    await t.db`
      insert into worker_pools (worker_pool_id, provider_id, description, config, owner, email_on_error, created,
                                last_modified, paused, pause_reason)
      values (${taskQueueId}, 'static', '', '{}', 'a@example.com', false, ${now}, ${now}, ${now}, 'too dear')`;
    const { because, line } = await explained(task);
    assert.match(String(because), /^Its worker pool is paused/);
    assert.deepEqual((line as { paused: object }).paused, { since: now.toJSON(), reason: 'too dear' });
  });

  it('says when it is expected to start, by how fast runs began while others waited', async () => {
    const taskQueueId = 'prov/pace';
    const tasks: string[] = [];
    for (let i = 0; i < 8; i++) {
      tasks.push(await t.aTask({ taskQueueId }));
      t.clock.advance(1000);
    }
    const expected = async () =>
      ((await explained(tasks.at(-1) as string)).line as { expected: object }).expected;
    assert.deepEqual(await expected(), { says: 'It cannot be said: there is no worker.' });
    for (const taskId of tasks.slice(0, 4)) {
      t.clock.advance(minutes(1));
      await t.claim(taskId);
    }
    // The oldest that still waits came four minutes ago, when four runs had not begun yet; four others wait.
    assert.deepEqual(await expected(), {
      seconds: 244,
      says: 'In about 4 min, since 4 runs of its task queue began in the last 4 min.',
    });
  });

  it('shows a task whose definition holds characters that PostgreSQL cannot decode', async () => {
    const taskGroupId = slugid();
    const first = await t.aTask({ taskGroupId, name: 'a\u0000b' });
    await t.aTask({
      taskGroupId,
      name: 'after',
      dependencies: [first],
      extra: { half: '\ud800', nul: '\u0000', backslash: '\\u0000 \\' },
      tags: { 'a\u0000': '\udfff' },
    });
    const lines = linesOf((await t.get(`task-group/${taskGroupId}/lines`)).body);
    assert.deepEqual(lines.map(({ name }) => name).sort(), ['after', 'a\ufffdb'].sort());
    for (const method of ['lines', 'selection', 'counts'])
      assert.equal((await t.get(`task-group/${taskGroupId}/${method}`)).status, 200, method);
    assert.equal((await t.get(`task/${first}/explanation`)).status, 200);
    assert.equal((await t.get('overview')).status, 200);
    assert.equal((await t.get('tasks?name=after')).status, 200);
    assert.equal((await t.get('task-groups?name=after')).status, 200);
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
      { taskQueueId, pending: 2, claimed: 1, workers: 0, oldest: undefined },
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
