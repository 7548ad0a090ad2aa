import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { ApiError, Auth, Queue, Scheduler, signedReport, slugid } from '@taskyard/client';
import pg from 'pg';
import { endings } from './support/endings.ts';
import { assertInvariants } from './support/invariants.ts';
import { startLoad } from './support/load.ts';
import { aHome, type Platform } from './support/platform.ts';
import { aPostgres, type Postgres } from './support/postgres.ts';
import { aPostgresProxy, type Cut, type PostgresProxy } from './support/tcp-proxy.ts';

const { ending: all, runAll } = endings();
let postgres: Postgres;
let proxy: PostgresProxy;
let platform: Platform;
let queue: Queue;
let auth: Auth;
let scheduler: Scheduler;

before(async () => {
  postgres = await aPostgres(all);
  proxy = await aPostgresProxy(all, postgres.url);
  const home = await aHome(all);
  const env = { DATABASE_URL: proxy.url, WORKER: 'false', LOG_LEVEL: 'fatal', TASK_CLAIM_TIMEOUT: '1200' };
  platform = await home.start(env);
  const options = { rootUrl: platform.rootUrl, credentials: platform.credentials, retries: 0 };
  queue = new Queue(options);
  auth = new Auth(options);
  scheduler = new Scheduler(options);
});
after(runAll);

const ask = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
};

/** What was published about a task, in order: `pending 0`, or without a run `defined`. */
const messagesOf = async (taskId: string): Promise<string[]> => {
  const rows = await ask<{ message: string }>(
    `select concat_ws(' ', substring(exchange from '[^/]*$'), payload::json->>'runId') as message from outbox
      where position($1 in routing_key) > 0 and exchange !~ '/task-group-' order by id`,
    [taskId],
  );
  return rows.map(({ message }) => message.replace(/^task-/, ''));
};

const worker = { workerGroup: 'amb', workerId: 'iguous' };
const aTask = (taskQueueId: string, more: object = {}) => ({
  taskQueueId,
  created: new Date().toJSON(),
  deadline: new Date(Date.now() + 3_600_000).toJSON(),
  payload: {},
  metadata: { name: 'a', description: '', owner: 'a@example.com', source: 'https://example.com/' },
  ...more,
});

let taskQueues = 0;
const aTaskQueue = (): string => `amb/queue-${++taskQueues}`;

interface Place {
  readonly taskId: string;
  readonly taskQueueId: string;
}
/** Tasks that depend on themselves, so that only a call can schedule them. */
const forcedTasks = async (): Promise<string[]> => {
  const rows = await ask<{ id: string }>(
    'select dependent_task_id as id from task_dependencies where dependent_task_id = required_task_id',
  );
  return rows.map(({ id }) => id);
};

/** A task queue of its own, and a task in it. */
const aPlace = async (
  state: 'unscheduled' | 'pending' | 'running' | 'completed' | 'none',
): Promise<Place> => {
  const place = { taskId: slugid(), taskQueueId: aTaskQueue() };
  if (state === 'none') return place;
  const dependencies = state === 'unscheduled' ? { dependencies: [place.taskId] } : {};
  await queue.createTask(place.taskId, aTask(place.taskQueueId, dependencies));
  if (state === 'running' || state === 'completed') await queue.claimTask(place.taskId, 0, worker);
  if (state === 'completed') await queue.reportCompleted(place.taskId, 0);
  return place;
};

/** The statement of a transaction that changes a run: unlike one that records a claim, it writes all runs. */
const changeOf = (taskId: string): string[] => [taskId, 'reasonCreated'];

/** Calls while the commit is cut: it must fail as servers fail, so that clients ask again. */
const failing = async (texts: string[], cut: Cut, call: () => Promise<unknown>): Promise<void> => {
  const isCut = proxy.cutCommit(texts, cut);
  const error = await call().then(
    (answer) => assert.fail(`It was answered: ${JSON.stringify(answer)}`),
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof ApiError, String(error));
  assert.equal(error.statusCode, 503, error.message);
  await isCut;
};

/** A reply without its variable parts: credentials, and times that a repetition changes. */
const lasting = (answer: unknown): unknown =>
  JSON.parse(
    JSON.stringify(answer, (name, value) =>
      ['credentials', 'takenUntil', 'expires', 'putUrl'].includes(name) ? undefined : value,
    ),
  );

interface Verb {
  readonly from: Parameters<typeof aPlace>[0];
  call(place: Place): Promise<unknown>;
  /** What its transaction sends, where that is not the runs of the task. */
  texts?(place: Place): string[];
  /** The messages that there are in the end, whatever was cut. */
  readonly messages: readonly string[];
}

/** Another id that is the same each time for the same task. */
const anotherThan = (taskId: string): string => taskId.slice(0, 20) + (taskId.endsWith('Bg') ? 'Cg' : 'Bg');

const sent = ({ taskId }: Place): string[] => changeOf(taskId);
const started = ['defined', 'pending 0', 'running 0'];
const definitions = new Map<string, ReturnType<typeof aTask>>();
const definitionOf = ({ taskId, taskQueueId }: Place) => {
  const definition = definitions.get(taskId) ?? aTask(taskQueueId);
  definitions.set(taskId, definition);
  return definition;
};

const verbs: Readonly<Record<string, Verb>> = {
  createTask: {
    from: 'none',
    call: (place) => queue.createTask(place.taskId, definitionOf(place)),
    messages: ['defined', 'pending 0'],
  },
  createTaskGroupTasks: {
    from: 'none',
    call: (place) => {
      const second = { ...definitionOf(place), dependencies: [place.taskId] };
      const tasks = [
        { taskId: place.taskId, task: definitionOf(place) },
        { taskId: anotherThan(place.taskId), task: second },
      ];
      return queue.createTaskGroupTasks(`${place.taskId.slice(0, 20)}Gg`, { tasks });
    },
    messages: ['defined', 'pending 0'],
  },
  scheduleTask: {
    from: 'unscheduled',
    call: ({ taskId }) => queue.scheduleTask(taskId),
    messages: ['defined', 'pending 0'],
  },
  claimTask: {
    from: 'pending',
    call: ({ taskId }) => queue.claimTask(taskId, 0, worker),
    messages: started,
  },
  reclaimTask: { from: 'running', call: ({ taskId }) => queue.reclaimTask(taskId, 0), messages: started },
  reportCompleted: {
    from: 'running',
    call: ({ taskId }) => queue.reportCompleted(taskId, 0),
    messages: [...started, 'completed 0'],
  },
  reportRuns: {
    from: 'running',
    call: async ({ taskId, taskQueueId }) =>
      queue.reportRuns(taskQueueId, {
        reports: [await signedReport(queue, { taskId, runId: 0, state: 'completed' })],
      }),
    messages: [...started, 'completed 0'],
  },
  reportFailed: {
    from: 'running',
    call: ({ taskId }) => queue.reportFailed(taskId, 0),
    messages: [...started, 'failed 0'],
  },
  reportException: {
    from: 'running',
    call: ({ taskId }) => queue.reportException(taskId, 0, { reason: 'worker-shutdown' }),
    messages: [...started, 'exception 0', 'pending 1'],
  },
  cancelTask: {
    from: 'running',
    call: ({ taskId }) => queue.cancelTask(taskId),
    messages: [...started, 'exception 0'],
  },
  rerunTask: {
    from: 'completed',
    call: ({ taskId }) => queue.rerunTask(taskId),
    messages: [...started, 'completed 0', 'pending 1'],
  },
  createArtifact: {
    from: 'running',
    texts: ({ taskId }) => [taskId, 'public/a.txt'],
    call: ({ taskId }) =>
      queue.createArtifact(taskId, 0, 'public/a.txt', {
        storageType: 's3',
        contentType: 'text/plain',
        expires: definitionExpiry,
      }),
    messages: started,
  },
  createArtifacts: {
    from: 'running',
    texts: ({ taskId }) => [taskId, 'public/b.txt'],
    call: ({ taskId }) => {
      const artifact = { storageType: 's3', contentType: 'text/plain', expires: definitionExpiry } as const;
      const content = { base64: btoa('b'), sha256: createHash('sha256').update('b').digest('hex') };
      return queue.createArtifacts(taskId, 0, { artifacts: [{ name: 'public/b.txt', artifact, content }] });
    },
    messages: started,
  },
};
const definitionExpiry = new Date(Date.now() + 3_600_000).toJSON();

describe('a call whose commit is cut off', () => {
  for (const cut of ['after the commit', 'before the commit'] as const) {
    for (const [name, { from, call, messages, texts = sent }] of Object.entries(verbs)) {
      it(`${cut}: ${name} is answered when it is asked again, and happens once`, async () => {
        const place = await aPlace(from);
        await failing(texts(place), cut, () => call(place));
        const answer = lasting(await call(place));
        assert.deepEqual(lasting(await call(place)), answer);
        assert.deepEqual(await messagesOf(place.taskId), messages);
      });
    }

    it(`${cut}: createClient gives the same access token again`, async () => {
      const clientId = `amb/${slugid()}`;
      const body = { description: 'a', expires: definitionExpiry, scopes: ['a:b'] };
      await failing([clientId, 'created'], cut, () => auth.createClient(clientId, body));
      const { accessToken } = await auth.createClient(clientId, body);
      assert.equal((await auth.createClient(clientId, body)).accessToken, accessToken);
      const [row] = await ask<{ count: number }>(
        `select count(*)::int as count from outbox where exchange ~ 'client-created' and payload like '%' || $1 || '%'`,
        [clientId],
      );
      assert.equal(row?.count, 1);
    });

    it(`${cut}: createTaskGraph makes one graph`, async () => {
      const { taskId, taskQueueId } = await aPlace('none');
      const taskGraphId = `${taskId.slice(0, 20)}Ag`;
      const { taskQueueId: _, ...task } = aTask(taskQueueId);
      const [provisionerId = '', workerType = ''] = taskQueueId.split('/');
      const node = { ...task, provisionerId, workerType, schedulerId: 'task-graph-scheduler' };
      const graph = {
        scopes: ['*'],
        tasks: [{ taskId, task: node }],
        metadata: { name: 'a', description: '', owner: 'a@example.com', source: 'https://example.com/' },
      };
      await failing(changeOf(taskId), cut, () => scheduler.createTaskGraph(taskGraphId, graph as never));
      const answer = await scheduler.createTaskGraph(taskGraphId, graph as never);
      assert.deepEqual(await scheduler.createTaskGraph(taskGraphId, graph as never), answer);
      assert.deepEqual(await messagesOf(taskId), ['defined', 'pending 0']);
    });

    it(`${cut}: claimWork gives the claim to the waiting workers, without a failure`, async () => {
      const { taskId, taskQueueId } = await aPlace('pending');
      const isCut = proxy.cutCommit(changeOf(taskId), cut);
      const { tasks } = await queue.claimWork(taskQueueId, { ...worker, tasks: 2 });
      await isCut;
      assert.deepEqual(
        tasks.map(({ status, runId }) => [status.taskId, status.state, runId]),
        [[taskId, 'running', 0]],
      );
      assert.deepEqual(await messagesOf(taskId), started);
      await queue.reportCompleted(taskId, 0);
    });
  }

  it('claims for which no worker waits any more are given back at once', async () => {
    const { taskId, taskQueueId } = await aPlace('pending');
    const isCut = proxy.cutCommit(changeOf(taskId), 'after the commit');
    const leaving = new AbortController();
    const waiting = queue.claimWork(taskQueueId, { ...worker, tasks: 1 }, { signal: leaving.signal });
    void isCut.then(() => {
      // The new connection that finds the claim takes longer to open than the caller takes to leave.
      proxy.delay(30);
      leaving.abort();
    });
    await assert.rejects(waiting);
    // Long before the claim expires: a call waits for seconds, the claim lasts for minutes.
    const { tasks } = await queue.claimWork(taskQueueId, { ...worker, tasks: 1 });
    proxy.delay(0);
    assert.equal(tasks[0]?.status.taskId, taskId);
    assert.deepEqual(await messagesOf(taskId), [...started, 'pending 0', 'running 0']);
  });

  it('fails with all calls of its transaction, and none of them is lost or doubled', async () => {
    const taskQueueId = aTaskQueue();
    const tasks = Array.from({ length: 20 }, () => ({ taskId: slugid(), task: aTask(taskQueueId) }));
    const isCut = proxy.cutCommit(changeOf(tasks[10]?.taskId ?? ''), 'after the commit');
    const create = () => Promise.allSettled(tasks.map(({ taskId, task }) => queue.createTask(taskId, task)));
    const first = await create();
    await isCut;
    assert.ok(first.some(({ status }) => status === 'rejected'));
    const second = await create();
    assert.ok(second.every(({ status }) => status === 'fulfilled'));
    for (const { taskId } of tasks) assert.deepEqual(await messagesOf(taskId), ['defined', 'pending 0']);
    const { pendingTasks } = await queue.taskQueueCounts(taskQueueId);
    assert.equal(pendingTasks, tasks.length);
  });

  it('leaves all invariants whole', async () => {
    await assertInvariants(postgres.url, { acknowledged: [], forced: await forcedTasks() });
  });
});

describe('a load', () => {
  const address = () => platform;
  const rest = async (load: ReturnType<typeof startLoad>): Promise<void> => {
    await load.done;
    await assertInvariants(postgres.url, { acknowledged: load.acknowledged, forced: await forcedTasks() });
    assert.equal(platform.process.exitCode, null);
  };
  it('survives that all connections are reset, again and again', async (t) => {
    const load = startLoad(address, { rounds: 30 });
    for (let round = 0; round < 15; round++) {
      await load.more(12);
      proxy.resetAll();
    }
    await rest(load);
    t.diagnostic(`${load.acknowledged.size} tasks, failures: ${JSON.stringify(load.failures)}`);
  });

  it('survives that the server ends all sessions', async (t) => {
    // Those that are idle, and then those of a load.
    const end = () =>
      ask(`select pg_terminate_backend(pid) from pg_stat_activity where application_name ~ 'taskyard'`);
    await end();
    await queue.ping();
    const load = startLoad(address, { rounds: 20 });
    for (let round = 0; round < 6; round++) {
      await load.more(15);
      await end();
    }
    await rest(load);
    t.diagnostic(`${load.acknowledged.size} tasks, failures: ${JSON.stringify(load.failures)}`);
  });

  it('survives a crash and restart of PostgreSQL, and loses nothing that was committed', async (t) => {
    const load = startLoad(address, { rounds: 30 });
    for (let round = 0; round < 2; round++) {
      await load.more(60);
      await postgres.killAndRestart();
    }
    await rest(load);
    t.diagnostic(`${load.acknowledged.size} tasks, failures: ${JSON.stringify(load.failures)}`);
  });

  it('leaves a server that ends well', async () => {
    assert.equal(await platform.stop(), 0);
  });
});
