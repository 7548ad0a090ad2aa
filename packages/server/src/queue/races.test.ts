import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { type Database, days, later, RequestError, slugid } from '../base/index.ts';
import { heldTransaction, type Opened, untilBlocked } from '../testing/index.ts';
import { type FilledTaskRequest, holdSettled, type Queue, type TaskStatus } from './index.ts';
import * as store from './store/index.ts';
import { anybody, aTask, claimLockings, type TestQueue, testQueue } from './testing.ts';

// Two queues with two pools on one database, like two processes.

let t: TestQueue;
let db: Database;
let one: Opened<Queue>;
let two: Opened<Queue>;
before(async () => {
  t = await testQueue();
  db = t.db;
  // PostgreSQL detects the deadlocks of these tests sooner.
  await db`
    do $$ begin execute format('alter database %I set deadlock_timeout = ''20ms''', current_database()); end $$`;
  one = t.another().queue;
  two = t.another().queue;
});
after(() => t.close());

const worker = { workerGroup: 'hall', workerId: 'one' };

const toCreate = (fields: Partial<FilledTaskRequest> = {}, taskId = slugid()) => ({
  taskId,
  request: aTask(t.clock.now(), fields),
  authorize: anybody,
});

const create = async (queue: Opened<Queue>, fields: Partial<FilledTaskRequest> = {}): Promise<string> => {
  const task = toCreate(fields);
  await queue.createTasks.one(task);
  return task.taskId;
};

const claim = (queue: Opened<Queue>, taskId: string) =>
  queue.claimRuns.one({ taskId, runId: 0, worker, authorize: anybody });
const complete = (queue: Opened<Queue>, taskId: string) =>
  queue.resolveRuns.one({ taskId, runId: 0, end: 'completed' });

/** New tasks, each with a running run. */
const running = async (count: number): Promise<string[]> => {
  const tasks = Array.from({ length: count }, () => toCreate());
  await one.createTasks.all(tasks);
  const taskIds = tasks.map(({ taskId }) => taskId);
  await one.claimRuns.all(taskIds.map((taskId) => ({ taskId, runId: 0, worker, authorize: anybody })));
  return taskIds;
};

const statusOf = async (taskId: string): Promise<TaskStatus> =>
  JSON.parse(await one.readStatuses.one(taskId)) as TaskStatus;

const messagesAbout = async (taskId: string): Promise<string[]> => {
  const rows = await db<{ exchange: string }>`
    select exchange from outbox where routing_key like ${`primary.${taskId}.%`} order by id`;
  return rows
    .map(({ exchange }) => exchange.split('/').at(-1) ?? '')
    .filter((name) => !name.startsWith('task-group'));
};

/** A task became pending once, and its run is in line once. */
const assertReleasedOnce = async (taskId: string): Promise<void> => {
  const { state, runs } = await statusOf(taskId);
  assert.deepEqual([state, runs.length], ['pending', 1]);
  assert.equal((await db`select run_id from pending where task_id = ${taskId}`).length, 1);
  assert.equal((await db`select unmet from blocked_tasks where task_id = ${taskId}`).length, 0);
  assert.deepEqual(await messagesAbout(taskId), ['task-defined', 'task-pending']);
};

const rounds = async (count: number, run: (round: number) => Promise<void>): Promise<void> => {
  for (let round = 0; round < count; round++) await run(round);
};

describe('dependencies that resolve at once in two processes', () => {
  it('the last two release the dependent once', () =>
    rounds(40, async () => {
      const [first, second] = (await running(2)) as [string, string];
      const dependent = await create(one, { dependencies: [first, second] });
      await Promise.all([complete(one, first), complete(two, second)]);
      await assertReleasedOnce(dependent);
    }));

  it('so do the last ten, with many dependents', () =>
    rounds(15, async () => {
      const required = await running(10);
      const dependents = await Promise.all(
        [one, two, one].map((queue) => create(queue, { dependencies: required })),
      );
      await Promise.all(required.map((taskId, i) => complete(i % 2 ? one : two, taskId)));
      for (const dependent of dependents) await assertReleasedOnce(dependent);
    }));

  it('a failure among them leaves the dependent waiting, and a rerun that completes releases it once', () =>
    rounds(10, async () => {
      const [good, bad] = (await running(2)) as [string, string];
      const dependent = await create(one, { dependencies: [good, bad] });
      const report = { taskId: bad, runId: 0, end: 'failed' } as const;
      await Promise.all([complete(one, good), two.resolveRuns.one(report)]);
      assert.equal((await statusOf(dependent)).state, 'unscheduled');
      await two.rerunTasks.one({ taskId: bad, authorize: anybody });
      await two.claimRuns.one({ taskId: bad, runId: 1, worker, authorize: anybody });
      await two.resolveRuns.one({ taskId: bad, runId: 1, end: 'completed' });
      await assertReleasedOnce(dependent);
    }));
});

describe('a dependent that is created while its dependency resolves', () => {
  it('is pending afterwards, in either order', () =>
    rounds(60, async (round) => {
      const [required = ''] = await running(1);
      const actions = [() => create(one, { dependencies: [required] }), () => complete(two, required)];
      if (round % 2) actions.reverse();
      const results = await Promise.all(actions.map((act) => act()));
      await assertReleasedOnce(results.find((result): result is string => typeof result === 'string') ?? '');
    }));

  it('waits for the end of a resolution in progress', async () => {
    const [required = ''] = await running(1);
    const lock = await heldTransaction(
      db,
      (tx) => tx`select task_id from task_status where task_id = ${required} for update`,
    );
    const resolved = complete(two, required);
    await untilBlocked(db, 1);
    const created = create(one, { dependencies: [required] });
    await untilBlocked(db, 2);
    await lock.end();
    await resolved;
    await assertReleasedOnce(await created);
  });
});

describe('a task that nobody needs any more', () => {
  it('stays so while it is held: nobody runs a dependent again, or creates one', async () => {
    const [required = ''] = await running(1);
    await complete(one, required);
    const dependent = await create(one, { dependencies: [required] });
    await claim(one, dependent);
    await complete(one, dependent);
    let held: string[] = [];
    const lock = await heldTransaction(db, async (tx) => {
      held = await holdSettled(tx, [required]);
    });
    const rerun = two.rerunTasks.one({ taskId: dependent, authorize: anybody });
    const created = create(two, { dependencies: [required] });
    await untilBlocked(db, 2);
    await lock.end();
    await Promise.all([rerun, created]);
    assert.deepEqual(held, [required]);
    assert.deepEqual(await db.transaction((tx) => holdSettled(tx, [required])), []);
  });

  it('is none once a dependent runs again, however late that is committed', async () => {
    const [required = ''] = await running(1);
    await complete(one, required);
    const dependent = await create(one, { dependencies: [required] });
    await claim(one, dependent);
    await complete(one, dependent);
    const lock = await heldTransaction(
      db,
      (tx) => tx`select task_id from task_status where task_id = ${dependent} for update`,
    );
    const rerun = two.rerunTasks.one({ taskId: dependent, authorize: anybody });
    await untilBlocked(db, 1);
    const held = db.transaction((tx) => holdSettled(tx, [required]));
    await untilBlocked(db, 2);
    await lock.end();
    await rerun;
    assert.deepEqual(await held, []);
  });
});

describe('claims in two processes', () => {
  for (const claimLocking of claimLockings)
    it(`never give a task twice, and leave none behind: ${claimLocking}`, () =>
      rounds(3, async (round) => {
        const workerType = `${claimLocking}-${round}`;
        const queues = [1, 2].map(() => t.another(undefined, { claimLocking }).queue);
        const tasks = Array.from({ length: 150 }, () => toCreate({ workerType }));
        const done = new AbortController();
        setMaxListeners(0, done.signal);
        const given: string[] = [];
        const work = async (queue: Opened<Queue>, workerId: string): Promise<void> => {
          while (given.length < tasks.length) {
            const claims = await queue.claimWork({
              taskQueueId: `prov/${workerType}`,
              worker: { workerGroup: 'hall', workerId },
              count: 3,
              gone: done.signal,
            });
            for (const text of claims) given.push((JSON.parse(text) as { status: TaskStatus }).status.taskId);
            if (given.length >= tasks.length) done.abort();
          }
        };
        await one.createTasks.all(tasks);
        await Promise.all(
          Array.from({ length: 12 }, (_, i) => work(queues[i % 2] as Opened<Queue>, `worker-${i}`)),
        );
        assert.deepEqual([...given].sort(), tasks.map(({ taskId }) => taskId).sort());
        assert.equal(new Set(given).size, tasks.length);
      }));

  it('give a certain run to one of the workers that ask for it', () =>
    rounds(20, async () => {
      const taskId = await create(one);
      const answers = await Promise.allSettled(
        [one, two, one, two].map((queue, i) =>
          queue.claimRuns.one({
            taskId,
            runId: 0,
            worker: { workerGroup: 'hall', workerId: `worker-${i}` },
            authorize: anybody,
          }),
        ),
      );
      assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.deepEqual(await messagesAbout(taskId), ['task-defined', 'task-pending', 'task-running']);
    }));

  it('reports of two ends leave one of them in effect', () =>
    rounds(20, async () => {
      const [taskId = ''] = await running(1);
      const answers = await Promise.allSettled([
        complete(one, taskId),
        two.resolveRuns.one({ taskId, runId: 0, end: 'failed' }),
        one.cancelTasks.one({ taskId, authorize: anybody }),
      ]);
      const { state } = await statusOf(taskId);
      // A cancellation finds a resolved task resolved; a report finds another end than its own.
      assert.equal(answers[0].status, state === 'completed' ? 'fulfilled' : 'rejected');
      assert.equal(answers[1].status, state === 'failed' ? 'fulfilled' : 'rejected');
      assert.equal(answers[2].status, 'fulfilled');
      assert.equal((await messagesAbout(taskId)).length, 4);
    }));
});

/** The values, and the codes of the refusals. */
const outcomes = async (calls: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(calls)).map((result) => {
    if (result.status === 'fulfilled') return 'done';
    if (result.reason instanceof RequestError) return result.reason.code;
    throw result.reason;
  });

describe('creation under one id', () => {
  it('of the same task, in two processes at once, creates one task', () =>
    rounds(30, async () => {
      const task = toCreate({ taskGroupId: slugid() });
      const calls = [one, two, one, two].map((queue) => queue.createTasks.one(task));
      assert.deepEqual(await outcomes(calls), ['done', 'done', 'done', 'done']);
      await assertReleasedOnce(task.taskId);
      const groups = await db<{ unresolved: number }>`
        select tasks as unresolved from task_group_growth where task_group_id = ${task.request.taskGroupId}`;
      assert.deepEqual(groups, [{ unresolved: 1 }]);
    }));

  it('of different tasks, in two processes at once, creates one of them and refuses the others', () =>
    rounds(30, async () => {
      const taskId = slugid();
      const taskGroupId = slugid();
      const calls = [one, two, one, two].map((queue, i) =>
        queue.createTasks.one(toCreate({ taskGroupId, extra: { variant: i } }, taskId)),
      );
      const results = await outcomes(calls);
      assert.deepEqual([...results].sort(), [
        'RequestConflict',
        'RequestConflict',
        'RequestConflict',
        'done',
      ]);
      const { extra } = JSON.parse(await one.readDefinitions.one(taskId)) as FilledTaskRequest;
      assert.deepEqual(extra, { variant: results.indexOf('done') });
      await assertReleasedOnce(taskId);
    }));

  it('of tasks with different dependencies, in one batch, keeps those of the created task', async () => {
    const [a = '', b = ''] = await running(2);
    const variants = [[], [a], [b], [a, b]];
    for (const first of variants) {
      for (const second of variants.filter((variant) => variant !== first)) {
        const taskId = slugid();
        const calls = [first, second].map((dependencies) =>
          one.createTasks.one(toCreate({ dependencies }, taskId)),
        );
        assert.deepEqual(await outcomes(calls), ['done', 'RequestConflict']);
        const edges = await db<{ requiredTaskId: string }>`
          select required_task_id from task_dependencies where dependent_task_id = ${taskId}`;
        assert.deepEqual(edges.map((edge) => edge.requiredTaskId).sort(), [...first].sort());
        assert.equal((await statusOf(taskId)).state, first.length > 0 ? 'unscheduled' : 'pending');
      }
    }
  });

  it('of a task that depends on one which is refused in the same batch is refused too', async () => {
    const missing = slugid();
    const required = toCreate({ dependencies: [missing] });
    const dependent = toCreate({ dependencies: [required.taskId] });
    const further = toCreate({ dependencies: [dependent.taskId] });
    for (const batch of [
      [required, dependent, further],
      [further, dependent, required],
    ]) {
      const results = await outcomes(batch.map((task) => one.createTasks.one(task)));
      assert.deepEqual(results, ['InputError', 'InputError', 'InputError']);
    }
    const ids = [required, dependent, further].map(({ taskId }) => taskId);
    assert.deepEqual(await db`select task_id from tasks where task_id = any(${ids}::text[])`, []);
    assert.deepEqual(
      await db`select 1 from task_dependencies where dependent_task_id = any(${ids}::text[])`,
      [],
    );
  });

  it('of tasks that need each other, in one batch, is refused as it is in separate calls', async () => {
    const [a, b] = [slugid(), slugid()];
    const calls = [toCreate({ dependencies: [b] }, a), toCreate({ dependencies: [a] }, b)];
    const results = await outcomes(calls.map((task) => one.createTasks.one(task)));
    assert.deepEqual(results, ['InputError', 'InputError']);
  });
});

describe('a cancellation', () => {
  it('of a dependent during its release ends it, and leaves nothing in line', () =>
    rounds(40, async () => {
      const [required = ''] = await running(1);
      const dependent = await create(one, { dependencies: [required] });
      await Promise.all([
        complete(one, required),
        two.cancelTasks.one({ taskId: dependent, authorize: anybody }),
      ]);
      const { state, runs } = await statusOf(dependent);
      assert.deepEqual([state, runs.length], ['exception', 1]);
      assert.deepEqual(await db`select run_id from pending where task_id = ${dependent}`, []);
      const messages = await messagesAbout(dependent);
      assert.equal(messages[0], 'task-defined');
      assert.equal(messages.at(-1), 'task-exception');
    }));

  it('that deadlocks with a release is repeated, or the release is', () =>
    rounds(5, async () => {
      // The dependent comes first in the order of ids, so a cancellation of both locks it before the required task.
      const [first, last] = [slugid(), slugid()].sort() as [string, string];
      await one.createTasks.one(toCreate({}, last));
      await claim(one, last);
      await one.createTasks.one(toCreate({ dependencies: [last] }, first));
      const lock = await heldTransaction(
        db,
        (tx) => tx`select task_id from task_status where task_id = ${last} for update`,
      );
      const completed = outcomes([complete(one, last)]);
      await untilBlocked(db, 1);
      const canceled = two.cancelTasks.all([first, last].map((taskId) => ({ taskId, authorize: anybody })));
      await untilBlocked(db, 2);
      await lock.end();
      const [result] = await completed;
      const answers = await canceled;
      assert.ok(!answers.some((answer) => answer instanceof RequestError));
      const { state } = await statusOf(last);
      assert.equal(state, result === 'done' ? 'completed' : 'exception');
      assert.equal((await statusOf(first)).state, 'exception');
      assert.deepEqual(
        await db`select run_id from pending where task_id = any(${[first, last]}::text[])`,
        [],
      );
    }));

  it('of a task that is being claimed ends it, in either order', () =>
    rounds(5, async (round) => {
      const workerType = `canceled-${round}`;
      const taskId = await create(one, { workerType });
      const lock = await heldTransaction(
        db,
        (tx) => tx`select task_id from task_status where task_id = ${taskId} for update`,
      );
      const canceled = one.cancelTasks.one({ taskId, authorize: anybody });
      await untilBlocked(db, 1);
      const gone = new AbortController();
      const taskQueueId = `prov/${workerType}`;
      const claimed = two.claimWork({ taskQueueId, worker, count: 1, gone: gone.signal });
      await untilBlocked(db, 2);
      await lock.end();
      await canceled;
      gone.abort();
      await claimed;
      assert.equal((await statusOf(taskId)).state, 'exception');
      assert.deepEqual(await db`select run_id from pending where task_id = ${taskId}`, []);
      assert.deepEqual(await db`select run_id from claims where task_id = ${taskId}`, []);
    }));
});

describe('a group that an open transaction counts in', () => {
  it('accepts new tasks meanwhile, and counts them when the next task is resolved', async () => {
    const taskGroupId = slugid();
    const [first, second] = [await create(one, { taskGroupId }), await create(one, { taskGroupId })];
    await claim(one, first);
    await claim(one, second);
    await complete(one, first);
    const lock = await heldTransaction(
      db,
      (tx) => tx`select task_group_id from task_groups where task_group_id = ${taskGroupId} for update`,
    );
    const third = await create(two, { taskGroupId });
    await claim(two, third);
    await lock.end();
    const resolved = async (): Promise<number> => {
      const rows = await db`
        select id from outbox where exchange ~ '/task-group-resolved$' and routing_key like ${`primary.${taskGroupId}.%`}`;
      return rows.length;
    };
    await complete(one, second);
    assert.equal(await resolved(), 0);
    await complete(two, third);
    assert.equal(await resolved(), 1);
  });

  it('does not block reports of its tasks while another transaction adds to it', async () => {
    const taskGroupId = slugid();
    const taskId = await create(one, { taskGroupId });
    await claim(one, taskId);
    const adding = await heldTransaction(db, (tx) =>
      store.growGroups(tx, [{ taskGroupId, tasks: 1, expires: t.clock.now() }]),
    );
    await complete(two, taskId);
    assert.equal((await statusOf(taskId)).state, 'completed');
    await adding.end();
  });

  it('is kept while tasks were added that are not counted yet, and shows until when', async () => {
    const taskGroupId = slugid();
    await create(one, { taskGroupId });
    const expires = later(t.clock.now(), days(800));
    await db.transaction((tx) => store.growGroups(tx, [{ taskGroupId, tasks: 1, expires }]));
    assert.deepEqual((await one.readGroup(taskGroupId)).expires, expires);
    await store.deleteExpiredGroups(db, later(t.clock.now(), days(700)), 1000);
    assert.deepEqual((await one.readGroup(taskGroupId)).expires, expires);
  });
});
