import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { days, hours, later, minutes, seconds, slugid } from '../base/index.ts';
import { type Answered, aTask, type TestApp, testApp } from './testing.ts';

let app: TestApp;
before(async () => {
  app = await testApp();
});
after(() => app.close());

type Body = Record<string, unknown>;

/** The smallest valid task, as a client sends it. */
const least = (): Body => {
  const { provisionerId, workerType, created, deadline, payload, metadata } = aTask(app.clock.now());
  return { provisionerId, workerType, created, deadline, payload, metadata };
};

/** The request with a value set at a path like `metadata.name`; undefined removes the field. */
const withValue = (body: Body, path: string, value: unknown): Body => {
  const [first = '', ...rest] = path.split('.');
  const inner = rest.length > 0 ? withValue((body[first] ?? {}) as Body, rest.join('.'), value) : value;
  return { ...body, [first]: inner };
};

const create = (body: unknown, taskId = slugid()): Promise<Answered> =>
  app.ask('PUT', `/task/${taskId}`, { body });

/** Everything that a creation could leave behind. (Groups are left out: one stays when its first task is refused.) */
const everything = () =>
  app.db`
    select (select count(*) from tasks) as tasks, (select count(*) from task_status) as statuses,
           (select count(*) from pending) as pending,
           (select count(*) from task_dependencies) as edges, (select count(*) from blocked_tasks) as blocked,
           (select count(*) from outbox) as messages`;

const refused = async (call: () => Promise<Answered>): Promise<Answered> => {
  const held = await everything();
  const answer = await call();
  assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}: ${answer.message}`);
  assert.deepEqual(await everything(), held, 'something was created');
  return answer;
};

const text = (length: number): string => 'x'.repeat(length);
const slugids = (count: number): string[] => Array.from({ length: count }, () => slugid());
const fromNow = (ms: number): string => later(app.clock.now(), ms).toJSON();
const source = (length: number): string => `https://example.com/${text(length - 20)}`;

/** Invalid values of fields, with the field that the message names when that is another one. */
const wrong: readonly (readonly [path: string, title: string, value: () => unknown, named?: string])[] = [
  ['surprise', 'is not known', () => 1],
  ['provisionerId', 'is longer than 38', () => text(39)],
  ['provisionerId', 'has a dot', () => 'a.b'],
  ['provisionerId', 'is missing', () => undefined, 'taskQueueId'],
  ['workerType', 'is longer than 38', () => text(39)],
  ['workerType', 'has a capital letter', () => 'Type'],
  ['workerType', 'ends with a dash', () => 'type-'],
  ['workerType', 'is missing', () => undefined, 'taskQueueId'],
  ['taskQueueId', 'is of one part', () => 'prov'],
  ['taskQueueId', 'is of three parts', () => 'prov/type/more'],
  ['taskQueueId', 'disagrees with the other two', () => 'prov/other'],
  ['schedulerId', 'is empty', () => ''],
  ['schedulerId', 'is longer than 38', () => text(39)],
  ['schedulerId', 'has a space', () => 'a b'],
  ['projectId', 'is empty', () => ''],
  ['projectId', 'is longer than 500', () => text(501)],
  ['projectId', 'has a quotation mark', () => 'a"b'],
  ['taskGroupId', 'is no slugid', () => 'group'],
  ['dependencies', 'has more than 10,000 entries', () => slugids(10_001)],
  ['dependencies', 'names one twice', () => Array(2).fill('fN1SbArXTPSVFNUvaOlinQ')],
  ['dependencies.0', 'is no slugid', () => 'task'],
  ['dependencies', 'names a task that does not exist', () => [slugid()]],
  ['requires', 'is not one of the two', () => 'all-failed'],
  ['routes', 'has more than 64 entries', () => Array.from({ length: 65 }, (_, i) => `r${i}`)],
  ['routes', 'names one twice', () => ['a', 'a']],
  ['routes.0', 'is empty', () => ''],
  ['routes.0', 'is longer than 249', () => text(250)],
  ['routes', 'has the character 0', () => ['a\u0000b']],
  ['routes', 'has half a character', () => ['a\ud800b']],
  ['priority', 'is a name of old', () => 'normal'],
  ['priority', 'is a number', () => 3],
  ['retries', 'is negative', () => -1],
  ['retries', 'is more than 49', () => 50],
  ['retries', 'is a fraction', () => 1.5],
  ['created', 'is missing', () => undefined],
  ['created', 'is no date', () => 'yesterday'],
  ['created', 'is a second that does not exist', () => '2026-06-30T23:59:60Z'],
  ['created', 'is more than 15 minutes ago', () => fromNow(-minutes(15) - 1)],
  ['created', 'is more than 15 minutes ahead', () => fromNow(minutes(15) + 1)],
  ['deadline', 'is missing', () => undefined],
  ['deadline', 'is no date', () => '2026-02-30T00:00:00Z'],
  ['deadline', 'is a second that does not exist', () => '2030-06-30T23:59:60Z'],
  ['deadline', 'lies before created', () => fromNow(-1)],
  ['deadline', 'is more than 5 days and 15 minutes ahead', () => fromNow(days(5) + minutes(15) + 1)],
  ['expires', 'is no date', () => 'never'],
  ['expires', 'is a second that does not exist', () => '2030-06-30T23:59:60Z'],
  ['expires', 'is too far away to be written', () => '9999-12-31T23:59:59-23:59'],
  ['expires', 'has an offset that cannot be read', () => '2030-06-30T23:59:59+02'],
  ['expires', 'lies before deadline', () => fromNow(hours(1) - 1)],
  ['scopes.0', 'has a character beyond ASCII', () => 'ä'],
  ['scopes.0', 'has a line break', () => 'a\nb'],
  ['scopes', 'has one that ends with two stars', () => ['queue:**']],
  ['payload', 'is missing', () => undefined],
  ['payload', 'is a list', () => []],
  ['payload', 'is a text', () => 'run'],
  ['metadata', 'is missing', () => undefined],
  ['metadata.surprise', 'is not known', () => 1],
  ['metadata.name', 'is missing', () => undefined],
  ['metadata.name', 'is longer than 255', () => text(256)],
  ['metadata.description', 'is missing', () => undefined],
  ['metadata.description', 'is longer than 32,768', () => text(32_769)],
  ['metadata.owner', 'is missing', () => undefined],
  ['metadata.owner', 'is longer than 255', () => text(256)],
  ['metadata.source', 'is missing', () => undefined],
  ['metadata.source', 'is longer than 4096', () => source(4097)],
  ['metadata.source', 'is of another protocol', () => 'ftp://example.com/'],
  ['tags', 'is a list', () => []],
  ['tags.kind', 'is a number', () => 1],
  ['tags.kind', 'is longer than 4096', () => text(4097)],
  ['extra', 'is a list', () => []],
  ['extra', 'is a text', () => 'more'],
];

const listLike = /^(dependencies|routes|scopes)\.0$/;
const badBody = (path: string, value: unknown): Body =>
  listLike.test(path)
    ? withValue(least(), path.replace(/\.0$/, ''), [value])
    : withValue(least(), path, value);

/** The words by which the message names a field: the last of the path, and all before it where it is nested. */
const names = (message: string, path: string): boolean =>
  path.split('.').every((word) => message.includes(word));

describe('a task is refused, with the name of the field, when', () => {
  for (const [path, title, value, named = path] of wrong) {
    it(`${path} ${title}`, async () => {
      const answer = await refused(() => create(badBody(path, value())));
      assert.equal(answer.status, 400, answer.message);
      assert.ok(names(answer.message.split('\n\n---')[0] ?? '', named), answer.message);
    });
  }
  it('several fields are wrong: all of them are named', async () => {
    const body = { ...least(), retries: 50, priority: 'normal', schedulerId: '' };
    const { message } = await refused(() => create(body));
    for (const field of ['retries', 'priority', 'schedulerId']) assert.ok(names(message, field), message);
  });
  it('its URL does not contain a slugid', async () => {
    const { status, message } = await refused(() => create(least(), 'my-task'));
    assert.equal(status, 400);
    assert.ok(names(message, 'taskId'));
  });
  it('its group belongs to another scheduler, or is sealed', async () => {
    const taskGroupId = slugid();
    assert.equal((await create({ ...least(), taskGroupId, schedulerId: 'first' })).status, 200);
    const other = await refused(() => create({ ...least(), taskGroupId, schedulerId: 'second' }));
    assert.equal(other.status, 409);
    assert.ok(names(other.message, 'schedulerId'));
    assert.equal((await app.ask('POST', `/task-group/${taskGroupId}/seal`)).status, 200);
    const late = await refused(() => create({ ...least(), taskGroupId, schedulerId: 'first' }));
    assert.equal(late.status, 409);
  });
  it('a dependency expires before its deadline', async () => {
    const required = slugid();
    const soon = { deadline: fromNow(minutes(1)), expires: fromNow(minutes(2)) };
    assert.equal((await create({ ...least(), ...soon }, required)).status, 200);
    const answer = await refused(() => create({ ...least(), dependencies: [required] }));
    assert.equal(answer.status, 400);
    assert.ok(names(answer.message, `dependencies.expires.${required}`));
  });
  it('its body is larger than 10 MiB', async () => {
    const answer = await refused(() => create({ ...least(), extra: { text: text(10 * 2 ** 20) } }));
    assert.deepEqual([answer.status, answer.code], [413, 'InputTooLarge']);
  });
  it('its body is not JSON', async () => {
    const answer = await refused(() => create('{"created":'));
    assert.deepEqual([answer.status, answer.code], [400, 'MalformedPayload']);
  });
});

describe('a task is accepted', () => {
  it('with every field at its limit', async () => {
    const [required] = slugids(1) as [string];
    assert.equal((await create(least(), required)).status, 200);
    const body = {
      ...least(),
      provisionerId: text(38),
      workerType: text(38),
      taskQueueId: `${text(38)}/${text(38)}`,
      schedulerId: text(38),
      projectId: text(500),
      dependencies: [required],
      requires: 'all-resolved',
      routes: Array.from({ length: 64 }, (_, i) => `${i}-${text(249 - `${i}-`.length)}`),
      priority: 'highest',
      retries: 49,
      created: fromNow(minutes(15)),
      deadline: fromNow(days(5) + minutes(15)),
      expires: fromNow(days(5) + minutes(15)),
      scopes: [' ~', '*', 'a:*'],
      metadata: { name: text(255), description: text(32_768), owner: text(255), source: source(4096) },
      tags: { [text(300)]: text(4096) },
      extra: { nested: { list: [1, 'a\u0000b', null] } },
    };
    // A dependency must outlive the deadline: this one does by a year.
    const taskId = slugid();
    const answer = await create(body, taskId);
    assert.equal(answer.status, 200, answer.message);
    const { taskGroupId, ...stored } = (await app.ask('GET', `/task/${taskId}`)).body;
    assert.equal(taskGroupId, taskId);
    assert.deepEqual(stored, body);
  });
  it('with only the required fields; the defaults are filled in', async () => {
    const taskId = slugid();
    const body: Body = { ...least(), created: app.clock.now().toJSON().replace('Z', '+00:00') };
    assert.equal((await create(body, taskId)).status, 200);
    const stored = (await app.ask('GET', `/task/${taskId}`)).body;
    const deadline = new Date(String(body.deadline));
    const aYearLater = new Date(deadline);
    aYearLater.setUTCFullYear(deadline.getUTCFullYear() + 1);
    assert.deepEqual(stored, {
      ...body,
      created: app.clock.now().toJSON(),
      expires: aYearLater.toJSON(),
      taskQueueId: 'prov/type',
      taskGroupId: taskId,
      schedulerId: '-',
      projectId: 'none',
      dependencies: [],
      requires: 'all-completed',
      routes: [],
      priority: 'lowest',
      retries: 5,
      scopes: [],
      tags: {},
      extra: {},
    });
  });
  it('again with the same values in another order, but not with others', async () => {
    const taskId = slugid();
    const body = { ...least(), tags: { a: '1', b: '2' }, retries: 1 };
    const first = await create(body, taskId);
    const messages = (await app.messages()).length;
    const turned = Object.fromEntries(Object.entries({ ...body, tags: { b: '2', a: '1' } }).reverse());
    assert.deepEqual((await create(turned, taskId)).body, first.body);
    assert.equal((await app.messages()).length, messages);
    const other = await refused(() => create({ ...body, retries: 2 }, taskId));
    assert.deepEqual([other.status, other.code], [409, 'RequestConflict']);
  });
});

describe('a task that is nested too deeply', () => {
  const deep = (): string =>
    JSON.stringify(least()).replace('"payload":{}', `"payload":${'{"a":'.repeat(7000)}1${'}'.repeat(7000)}`);

  it('is refused for its depth when its creator may create tasks', async () => {
    const { status, code, message } = await refused(() => create(deep()));
    assert.deepEqual([status, code], [400, 'MalformedPayload']);
    assert.match(message, /more than 500 deep/);
  });

  it('is refused for missing scopes when its creator may not create tasks', async () => {
    const body = deep();
    const { status, code } = await refused(() => app.ask('PUT', `/task/${slugid()}`, { body, scopes: [] }));
    assert.deepEqual([status, code], [403, 'InsufficientScopes']);
  });
});

interface GraphTask {
  readonly taskId: string;
  readonly task: Body;
}

const graph = (tasks: readonly GraphTask[], taskGroupId = slugid(), scopes?: string[]): Promise<Answered> =>
  app.ask('POST', `/task-group/${taskGroupId}/tasks`, { body: { tasks }, ...(scopes ? { scopes } : {}) });

/** Tasks each of which depends on the one before. */
const aChain = (length: number): GraphTask[] => {
  const ids = slugids(length);
  return ids.map((taskId, i) => ({
    taskId,
    task: { ...least(), dependencies: i === 0 ? [] : [ids[i - 1]] },
  }));
};

const changed = (tasks: readonly GraphTask[], index: number, fields: Body): GraphTask[] =>
  tasks.map((each, i) => (i === index ? { ...each, task: { ...each.task, ...fields } } : each));

interface ListedError {
  readonly taskId: string;
  readonly code: string;
  readonly message: string;
}
const errorsOf = ({ body }: Answered): ListedError[] => (body.errors ?? []) as ListedError[];

describe('a graph', () => {
  it('is created as a whole, in any order of its tasks', async () => {
    const tasks = aChain(5).reverse();
    const taskGroupId = slugid();
    const answer = await graph(tasks, taskGroupId);
    assert.equal(answer.status, 200, answer.message);
    const statuses = answer.body.statuses as { taskId: string; state: string; taskGroupId: string }[];
    assert.deepEqual(
      statuses.map(({ taskId, state }) => [taskId, state]),
      tasks.map(({ taskId }, i) => [taskId, i === 4 ? 'pending' : 'unscheduled']),
    );
    assert.ok(statuses.every((status) => status.taskGroupId === taskGroupId));
  });

  it('may have a task that needs itself: it waits until it is scheduled by hand, as one that is created alone', async () => {
    const [alone, taskGroupId] = [slugid(), slugid()];
    assert.equal((await create({ ...least(), dependencies: [alone] }, alone)).status, 200);
    const chain = aChain(3);
    const tasks = changed(chain, 1, { dependencies: [chain[0]?.taskId, chain[1]?.taskId] });
    const inGraph = String(tasks[1]?.taskId);
    for (let i = 0; i < 2; i++) assert.equal((await graph(tasks, taskGroupId)).status, 200);
    for (const taskId of [alone, inGraph]) {
      const statusOf = ({ body }: Answered) => (body.status as { state: string }).state;
      assert.equal(statusOf(await app.ask('GET', `/task/${taskId}/status`)), 'unscheduled');
      assert.equal(statusOf(await app.ask('POST', `/task/${taskId}/schedule`)), 'pending');
    }
  });

  it('may be sent again: the reply is the same, and nothing happens twice', async () => {
    const tasks = aChain(5);
    const taskGroupId = slugid();
    const first = await graph(tasks, taskGroupId);
    const held = await everything();
    assert.deepEqual((await graph(tasks, taskGroupId)).body, first.body);
    assert.deepEqual(await everything(), held);
    // A larger graph that contains it adds the new tasks.
    const last = { taskId: slugid(), task: { ...least(), dependencies: [tasks[4]?.taskId] } };
    assert.equal((await graph([...tasks, last], taskGroupId)).status, 200);
    assert.equal((await app.ask('GET', `/task/${last.taskId}/status`)).status, 200);
  });

  const lastYear = '2020-01-01T00:00:00.000Z';
  const cases: Record<
    string,
    { status: number; of: (tasks: GraphTask[]) => GraphTask[]; says: RegExp; at: number[] }
  > = {
    'an unknown dependency': {
      status: 400,
      of: (tasks) => changed(tasks, 2, { dependencies: ['fN1SbArXTPSVFNUvaOlinQ'] }),
      says: /dependencies.*fN1SbArXTPSVFNUvaOlinQ/,
      at: [2],
    },
    'a cycle': {
      status: 400,
      of: (tasks) => changed(tasks, 1, { dependencies: [tasks[3]?.taskId] }),
      says: /cycle/,
      at: [1],
    },
    'a cycle of two, one of which needs itself too': {
      status: 400,
      of: (tasks) => changed(tasks, 0, { dependencies: [tasks[0]?.taskId, tasks[1]?.taskId] }),
      says: /cycle/,
      at: [0],
    },
    'a taskId given twice': {
      status: 400,
      of: (tasks) => [...tasks, { ...(tasks[0] as GraphTask) }],
      says: /taskId.*2 tasks/,
      at: [0],
    },
    'a task of another group': {
      status: 400,
      of: (tasks) => changed(tasks, 2, { taskGroupId: 'fN1SbArXTPSVFNUvaOlinQ' }),
      says: /taskGroupId/,
      at: [2],
    },
    'one bad task': {
      status: 400,
      of: (tasks) => changed(tasks, 1, { deadline: lastYear }),
      says: /deadline/,
      at: [1],
    },
    'two bad tasks': {
      status: 400,
      of: (tasks) => changed(changed(tasks, 1, { expires: lastYear }), 3, { scopes: ['a**'] }),
      says: /expires|scopes/,
      at: [1, 3],
    },
    'tasks of two schedulers': {
      status: 409,
      of: (tasks) => changed(tasks, 3, { schedulerId: 'other' }),
      says: /schedulerId/,
      at: [3],
    },
  };
  for (const [name, { status, of, says, at }] of Object.entries(cases)) {
    it(`with ${name} is refused as a whole`, async () => {
      const tasks = aChain(5);
      const answer = await refused(() => graph(of(tasks)));
      assert.equal(answer.status, status, answer.message);
      const errors = errorsOf(answer);
      const expected = at.map((i) => tasks[i]?.taskId);
      if (name === 'a cycle') {
        assert.equal(errors.length, 1);
        assert.ok([1, 2, 3].some((i) => tasks[i]?.taskId === errors[0]?.taskId));
      } else
        assert.deepEqual(
          errors.map((error) => error.taskId),
          expected,
        );
      for (const error of errors) assert.match(error.message, says);
      for (const error of errors) assert.ok(answer.message.includes(error.taskId));
    });
  }

  it('with a task that does not fit the schema is refused with the path of the field', async () => {
    const answer = await refused(() => graph(changed(aChain(3), 1, { retries: 99, surprise: 1 })));
    assert.deepEqual([answer.status, answer.code], [400, 'InputValidationError']);
    assert.ok(names(answer.message, 'tasks.1.task.retries'));
    assert.ok(names(answer.message, 'surprise'));
  });

  it('is refused when scopes are missing, with the tasks that need them', async () => {
    const tasks = changed(changed(aChain(4), 1, { scopes: ['secret:one'] }), 3, { routes: ['index.a'] });
    const held = [
      'queue:create-task:lowest:prov/type',
      'queue:scheduler-id:-',
      'queue:create-task:project:none',
    ];
    const answer = await refused(() => graph(tasks, slugid(), held));
    assert.deepEqual([answer.status, answer.code], [403, 'InsufficientScopes']);
    assert.deepEqual(
      errorsOf(answer).map(({ taskId, code }) => [taskId, code]),
      [1, 3].map((i) => [tasks[i]?.taskId, 'InsufficientScopes']),
    );
    assert.ok(names(answer.message, 'secret:one'));
    assert.ok(names(answer.message, 'queue:route:index'));
    assert.equal((await graph(tasks, slugid(), [...held, 'secret:*', 'queue:route:index.*'])).status, 200);
  });

  it('is refused by a sealed group, and by one of another scheduler', async () => {
    const taskGroupId = slugid();
    assert.equal((await graph(aChain(1), taskGroupId)).status, 200);
    const foreign = aChain(2).map(({ taskId, task }) => ({
      taskId,
      task: { ...task, schedulerId: 'other' },
    }));
    const wrongScheduler = await refused(() => graph(foreign, taskGroupId));
    assert.deepEqual([wrongScheduler.status, errorsOf(wrongScheduler).length], [409, 2]);
    assert.equal((await app.ask('POST', `/task-group/${taskGroupId}/seal`)).status, 200);
    const sealed = await refused(() => graph(aChain(3), taskGroupId));
    assert.deepEqual([sealed.status, errorsOf(sealed).length], [409, 3]);
    assert.match(sealed.message, /sealed/);
  });

  it('is refused when one of its taskIds belongs to another task', async () => {
    const tasks = aChain(3);
    const taken = tasks[1] as GraphTask;
    assert.equal((await create({ ...least(), retries: 1 }, taken.taskId)).status, 200);
    const answer = await refused(() => graph(tasks));
    assert.equal(answer.status, 409);
    assert.deepEqual(
      errorsOf(answer).map(({ taskId }) => taskId),
      [taken.taskId],
    );
  });

  it('without tasks, with too many, or with too many bytes is refused', async () => {
    const empty = await refused(() => graph([]));
    assert.ok(empty.status === 400 && names(empty.message, 'tasks'));
    const task = least();
    const many = Array.from({ length: 20_001 }, () => ({ taskId: slugid(), task }));
    const tooMany = await refused(() => graph(many));
    assert.ok(tooMany.status === 400 && names(tooMany.message, 'tasks.20000'), tooMany.message.slice(0, 500));
    const heavy = { taskId: slugid(), task: { ...task, extra: { text: text(64 * 2 ** 20) } } };
    const tooHeavy = await refused(() => graph([heavy]));
    assert.deepEqual([tooHeavy.status, tooHeavy.code], [413, 'InputTooLarge']);
  });

  it('of 10,000 tasks with 30,000 dependencies is accepted', async () => {
    const ids = slugids(10_003);
    const task = least();
    const tasks = ids.map((taskId, i) => ({
      taskId,
      task: { ...task, dependencies: i < 3 ? [] : ids.slice(i - 3, i) },
    }));
    const taskGroupId = slugid();
    const answer = await graph(tasks, taskGroupId);
    assert.equal(answer.status, 200, answer.message.slice(0, 500));
    assert.equal((answer.body.statuses as unknown[]).length, 10_003);
    const [counted] = await app.db<{ edges: number; blocked: number; pending: number; unresolved: number }>`
      select (select count(*)::int from task_dependencies where dependent_task_id = any(${ids}::text[])) as edges,
             (select count(*)::int from blocked_tasks where task_id = any(${ids}::text[]) and unmet = 3) as blocked,
             (select count(*)::int from pending where task_id = any(${ids}::text[])) as pending,
             (select sum(tasks)::int from task_group_growth where task_group_id = ${taskGroupId}) as unresolved`;
    assert.deepEqual(counted, { edges: 30_000, blocked: 10_000, pending: 3, unresolved: 10_003 });
  });
});

it('time that passes between two attempts does not make it another task', async () => {
  const taskId = slugid();
  const body = least();
  const first = await create(body, taskId);
  app.clock.advance(seconds(30));
  assert.deepEqual((await create(body, taskId)).body, first.body);
});
