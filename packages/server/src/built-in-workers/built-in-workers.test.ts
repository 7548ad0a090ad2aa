import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import type { FastifyInstance } from 'fastify';
import {
  localSignal,
  type RunningLoops,
  runLoops,
  type Signal,
  seconds,
  silentLog,
  slugid,
} from '../base/index.ts';
import type { Queue, TaskStatus } from '../queue/index.ts';
import { type Opened, opened, stepOf } from '../testing/index.ts';
import { createBuiltInWorkers } from './index.ts';
import { aTask, type TestQueues, testQueues } from './testing.ts';

/** The workers of a process; no wake-up but that of its queue comes. */
const workersOn = (queue: Opened<Queue>, pendingChanged: Signal = localSignal()) => {
  const { loops } = opened(createBuiltInWorkers({ queue, pendingChanged }));
  return {
    loops,
    /** One step of a loop; returns how many tasks it ended. */
    step: stepOf(loops),
  };
};

describe('tasks of built-in queues, over HTTP', () => {
  let t: TestQueues;
  let app: FastifyInstance;
  let running: RunningLoops;
  before(async () => {
    t = await testQueues();
    app = t.serve();
    running = runLoops(workersOn(t.queue).loops, { clock: t.clock, log: silentLog });
  });
  after(async () => {
    await t.queue.drain();
    await running.stop();
    await app.close();
    await t.close();
  });

  const ask = async (method: 'GET' | 'PUT' | 'POST', path: string, body?: object) => {
    const url = `/api/queue/v1${path}`;
    const reply = await app.inject({ method, url, ...(body ? { payload: body } : {}) });
    assert.equal(reply.statusCode, 200, reply.body);
    return reply.json() as { status: TaskStatus };
  };
  const created = async (taskQueueId: string, more: object = {}): Promise<string> => {
    const taskId = slugid();
    await ask('PUT', `/task/${taskId}`, { ...aTask(t.clock.now(), taskQueueId), ...more });
    return taskId;
  };
  const statusOf = async (taskId: string): Promise<TaskStatus> =>
    (await ask('GET', `/task/${taskId}/status`)).status;
  const ended = (taskId: string): Promise<TaskStatus> =>
    eventually(
      'the task to end',
      () => statusOf(taskId),
      ({ state }) => !['unscheduled', 'pending', 'running'].includes(state),
    );

  it('complete in built-in/succeed, by the worker succeed of the group built-in', async () => {
    const { state, runs } = await ended(await created('built-in/succeed'));
    assert.equal(state, 'completed');
    assert.equal(runs.length, 1);
    const [run] = runs;
    assert.deepEqual(
      [run?.workerGroup, run?.workerId, run?.reasonResolved],
      ['built-in', 'succeed', 'completed'],
    );
  });

  it('fail in built-in/fail', async () => {
    const { state, runs } = await ended(await created('built-in/fail'));
    assert.deepEqual([state, runs[0]?.workerId, runs[0]?.reasonResolved], ['failed', 'fail', 'failed']);
  });

  it('end as exceptions, once and for all, when they ask for anything', async () => {
    for (const taskQueueId of ['built-in/succeed', 'built-in/fail']) {
      const { state, runs } = await ended(await created(taskQueueId, { payload: { command: ['true'] } }));
      assert.deepEqual([state, runs.length, runs[0]?.reasonResolved], ['exception', 1, 'malformed-payload']);
    }
  });

  it('wait for what they depend on, and release who waits for them', async () => {
    const gate = await created('prov/gate');
    const anchor = await created('built-in/succeed', { dependencies: [gate] });
    const next = await created('prov/next', { dependencies: [anchor] });
    assert.equal((await statusOf(anchor)).state, 'unscheduled');
    await ask('POST', `/task/${gate}/runs/0/claim`, { workerGroup: 'hall', workerId: 'one' });
    await ask('POST', `/task/${gate}/runs/0/completed`);
    assert.equal((await ended(anchor)).state, 'completed');
    assert.equal((await statusOf(next)).state, 'pending');
  });

  it('of other built-in queues are nobody’s', async () => {
    const other = await created('built-in/other');
    await ended(await created('built-in/succeed'));
    assert.equal((await statusOf(other)).state, 'pending');
  });

  it('are ended as they come, however many come at once', async () => {
    const many = await Promise.all(Array.from({ length: 250 }, () => created('built-in/succeed')));
    const statuses = await Promise.all(many.map(ended));
    assert.ok(statuses.every(({ state, runs }) => state === 'completed' && runs.length === 1));
  });
});

describe('built-in workers of several processes', () => {
  let t: TestQueues;
  before(async () => {
    t = await testQueues();
  });
  after(() => t.close());

  const created = async (workerType: string): Promise<string> => {
    const taskId = slugid();
    const { taskQueueId: _, ...request } = aTask(t.clock.now(), `built-in/${workerType}`);
    await t.queue.createTasks.one({
      taskId,
      request: { ...request, provisionerId: 'built-in', workerType },
      authorize: () => {},
    });
    return taskId;
  };
  const statusOf = async (taskId: string) => JSON.parse(await t.queue.readStatuses.one(taskId)) as TaskStatus;
  const untilIt = (taskId: string, state: TaskStatus['state']) =>
    eventually(
      `the task to be ${state}`,
      () => statusOf(taskId),
      (status) => status.state === state,
    );
  /** As a process that then dies: it claims and ends nothing. */
  const claimed = async (workerType: string, worker: { workerGroup: string; workerId: string }) => {
    const taskQueueId = `built-in/${workerType}`;
    await t.queue.claimWork({ taskQueueId, worker, count: 100, gone: new AbortController().signal });
  };

  /** Lets time pass until nobody waits for tasks any more. */
  const idle = async <T>(steps: Promise<T>): Promise<T> => {
    let isOver = false;
    void steps.finally(() => {
      isOver = true;
    });
    await eventually('those who wait for tasks to give up', () => {
      t.clock.advance(seconds(20));
      return isOver;
    });
    return steps;
  };

  it('end each task once', async () => {
    const [one, other] = [workersOn(t.queue), workersOn(t.another())];
    const taskIds = await Promise.all(Array.from({ length: 150 }, () => created('fail')));
    const both = Promise.all([one, other].map(({ step }) => step('resolve-tasks-of-fail')));
    for (const taskId of taskIds) {
      await untilIt(taskId, 'failed');
    }
    t.clock.advance(seconds(20));
    assert.equal(
      (await both).reduce((sum, count) => sum + count),
      150,
    );
    const sent = (await t.messages()).filter(({ exchange }) => exchange.endsWith('/task-failed'));
    assert.equal(sent.length, 150);
  });

  it('end what one of them claimed before it died', async () => {
    const taskId = await created('succeed');
    await claimed('succeed', { workerGroup: 'built-in', workerId: 'succeed' });
    assert.equal((await statusOf(taskId)).state, 'running');
    const workers = [workersOn(t.queue), workersOn(t.another())];
    await Promise.all(workers.map(({ step }) => step('resolve-tasks-left-over-of-succeed')));
    const { state, runs } = await statusOf(taskId);
    assert.deepEqual([state, runs.length], ['completed', 1]);
    assert.equal(await workers[0]?.step('resolve-tasks-left-over-of-succeed'), 0);
    const about = (await t.messages()).filter(({ body }) => JSON.stringify(body).includes(taskId));
    assert.equal(about.filter(({ exchange }) => exchange.endsWith('/task-completed')).length, 1);
  });

  it('leave alone what another worker claimed', async () => {
    const taskId = await created('succeed');
    await claimed('succeed', { workerGroup: 'hall', workerId: 'succeed' });
    assert.equal(await workersOn(t.queue).step('resolve-tasks-left-over-of-succeed'), 0);
    assert.equal((await statusOf(taskId)).state, 'running');
  });

  it('take no harm from a task that was cancelled while they held it', async () => {
    const taskId = await created('fail');
    const queue = {
      ...t.queue,
      claimWork: async (request: Parameters<Opened<Queue>['claimWork']>[0]) => {
        const claims = await t.queue.claimWork(request);
        if (claims.length > 0) await t.queue.cancelTasks.one({ taskId, authorize: () => {} });
        return claims;
      },
    };
    const step = workersOn(queue).step('resolve-tasks-of-fail');
    await untilIt(taskId, 'exception');
    assert.equal(await idle(step), 1);
    assert.equal((await statusOf(taskId)).runs[0]?.reasonResolved, 'canceled');
  });
});
