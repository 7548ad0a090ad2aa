import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { createArtifacts } from '../artifacts/index.ts';
import { type ManualClock, manualClock, minutes, seconds, silentLog, slugid } from '../base/index.ts';
import { createIndex, type IndexVerbs } from '../index/index.ts';
import {
  createQueue,
  holdSettled,
  type Queue,
  readDefinitions,
  readStatuses,
  settledAmong,
  shareStatuses,
} from '../queue/index.ts';
import { plainTask, queueAlone, type TestDatabase, testDatabase } from '../testing/index.ts';
import { createUpstream } from './index.ts';

// The index of a platform beside another one, which is played here.

interface Task {
  readonly artifacts?: readonly string[] | undefined;
  readonly definition?: object;
}

let test: TestDatabase;
let clock: ManualClock;
let queue: Queue;
let index: IndexVerbs;
/** What the other one has published: tasks, and its index. */
const tasks = new Map<string, Task>();
const entries = new Map<string, string>();
const asked: string[] = [];
/** Answers instead of it, where it returns true. */
let interrupt: (path: string, response: ServerResponse) => boolean = () => false;

const expires = '2999-01-01T00:00:00.000Z';
const json = (response: ServerResponse, body: unknown, status = 200): true => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  return true;
};

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { url: path = '' } = request;
  asked.push(path);
  if (interrupt(path, response)) return;
  if (path === '/api/index/v1/tasks/indexes') {
    const { indexes } = JSON.parse(String(Buffer.concat(chunks))) as { indexes: string[] };
    const found = indexes.flatMap((namespace) => {
      const taskId = entries.get(namespace);
      return taskId === undefined ? [] : [{ namespace, taskId, rank: 0, data: {}, expires }];
    });
    json(response, { tasks: found });
    return;
  }
  const [, taskId = '', rest = ''] = /^\/api\/queue\/v1\/task\/([^/]+)(.*)$/.exec(path) ?? [];
  const task = tasks.get(taskId);
  if (!task) json(response, {}, 404);
  else if (rest === '/status') json(response, { status: { state: 'completed', runs: [{}] } });
  else if (rest === '') json(response, { ...plainTask(new Date()), expires, ...task.definition });
  else
    json(response, {
      artifacts: (task.artifacts ?? []).map((name) => ({
        name,
        contentType: 'text/plain',
        expires,
        storageType: 's3',
      })),
    });
});

let url = '';
before(async () => {
  test = await testDatabase();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  clock = manualClock();
  const base = { db: test.db, clock, log: silentLog };
  const queueContext = { ...base, ...queueAlone() };
  queue = createQueue(queueContext);
  const issueCredentials = queueAlone().issueCredentials;
  const artifacts = createArtifacts({
    ...base,
    objects: {} as never,
    readStatuses,
    shareStatuses,
    settledAmong,
    holdSettled,
    issueCredentials,
  });
  const indexDomain = createIndex({
    ...base,
    rootUrl: () => 'https://tasks.example.com',
    anonymous: () => Promise.reject(new Error('nobody asks')),
    signUrl: (signed) => signed,
    readDefinitions,
    readStatuses,
    findPublished: async (looked) => upstream.verbs.findPublished?.(looked),
  });
  const upstream = createUpstream({
    ...base,
    upstreamUrl: url,
    queue: queue.verbs,
    queueContext,
    artifacts: artifacts.verbs,
    index: indexDomain.verbs,
  });
  index = indexDomain.verbs;
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await queue.drain?.();
  await test.drop();
});
beforeEach(() => {
  tasks.clear();
  entries.clear();
  asked.length = 0;
  interrupt = () => false;
  clock.advance(minutes(10));
});

/** Publishes a task at a path there. */
const publish = (path: string, task: Task = {}): string => {
  const taskId = slugid();
  tasks.set(taskId, task);
  entries.set(path, taskId);
  return taskId;
};

const find = async (path: string): Promise<string> =>
  index.findTask(path).then(
    ({ taskId }) => taskId,
    (error: Error) => error.message,
  );

it('brings so many tasks at a time and no more, with all of their artifacts', async () => {
  const paths = Array.from({ length: 20 }, (_, i) => `many.${i}`);
  for (const path of paths)
    publish(path, { artifacts: Array.from({ length: 120 }, (_, i) => `public/${i}`) });
  const held: (() => void)[] = [];
  let holds = true;
  interrupt = (path, response) => {
    if (!holds || !path.endsWith('/status')) return false;
    held.push(() => void json(response, { status: { state: 'completed', runs: [{}] } }));
    return true;
  };
  const finding = index.findTasksAt({ paths, limit: undefined, continuationToken: undefined });
  await eventually('the first tasks to be asked for', () => held.length >= 8);
  // Of another path: it goes its way while the others are held, and what was asked for before it has arrived.
  assert.match(await find('nothing.here'), /nothing\.here/);
  assert.equal(held.length, 8);
  holds = false;
  for (const go of held) go();
  const { tasks: found } = await finding;
  assert.deepEqual(found.map(({ namespace }) => namespace).toSorted(), paths.toSorted());
  const [{ taskId } = { taskId: '' }] = found;
  const { count } = (
    await test.db<{ count: number }>`
    select count(*)::int as count from artifacts where task_id = ${taskId}`
  )[0] ?? { count: 0 };
  assert.equal(count, 120);
});

it('says where the other one wants credentials, and finds what it shows without', async () => {
  const hidden = publish('closed.task');
  const open = publish('open.task');
  interrupt = (path, response) =>
    path.includes(hidden) && json(response, { code: 'InsufficientScopes' }, 403);
  const { tasks: found } = await index.findTasksAt({
    paths: ['closed.task', 'open.task'],
    limit: undefined,
    continuationToken: undefined,
  });
  assert.deepEqual(
    found.map(({ taskId }) => taskId),
    [open],
  );
  const refusal = `${url} wants credentials for queue/v1/task/${hidden}`;
  for (let times = 0; times < 2; times++)
    assert.ok((await find('closed.task')).includes(refusal), 'also while it is not asked again');
  interrupt = (path, response) => path.includes('/indexes') && json(response, {}, 401);
  assert.match(await find('other.task'), /wants credentials for index\/v1\/tasks\/indexes: it answers 401/);
  interrupt = () => false;
  clock.advance(minutes(2));
  assert.equal(await find('closed.task'), hidden);
});

it('is left alone for as long as it asks for, and its failures take nothing away that was found before', async () => {
  const taskId = publish('kept.task');
  assert.equal(await find('kept.task'), taskId);
  for (const [status, rest, why] of [
    [503, minutes(2), 'it answers 503'],
    [429, minutes(2), 'it answers 429'],
    [500, seconds(30), 'it answers 500'],
  ] as const) {
    clock.advance(minutes(10));
    interrupt = (_path, response) => {
      if (rest > seconds(30)) response.setHeader('retry-after', String(rest / 1000));
      return json(response, {}, status);
    };
    asked.length = 0;
    assert.match(await find('new.task'), new RegExp(`${why}\\.$`));
    clock.advance(rest - seconds(1));
    assert.match(await find('new.task'), new RegExp(`${why}\\.$`));
    assert.equal(await find('kept.task'), taskId);
    assert.equal(asked.length, 1);
    clock.advance(seconds(2));
    await find('new.task');
    assert.equal(asked.length, 2);
  }
});

it('may be no such server at all', async () => {
  for (const body of ['<html>Sign in</html>', 'null', '3', '']) {
    clock.advance(minutes(10));
    interrupt = (_path, response) => {
      response.end(body);
      return true;
    };
    assert.match(await find('some.task'), /its answer is not JSON of such a server/, body);
  }
});

it('may have a task that cannot be kept here: the sentence says why, and others are found', async () => {
  const wrong = publish('wrong.task', { definition: { metadata: { name: 3 } } });
  assert.match(
    await find('wrong.task'),
    new RegExp(`${wrong} that is published there cannot be kept here: .*name`),
  );
  const right = publish('right.task');
  assert.equal(await find('right.task'), right);
});

it('has another task at a path after a while, which is found then; a task of this side stays', async () => {
  const first = publish('moving.task');
  assert.equal(await find('moving.task'), first);
  const second = publish('moving.task');
  assert.equal(await find('moving.task'), first, 'it is not asked each time');
  clock.advance(minutes(5));
  interrupt = (_path, response) => json(response, {}, 502);
  assert.equal(await find('moving.task'), first, 'what was found stays while the other one is away');
  interrupt = () => false;
  clock.advance(minutes(5));
  assert.equal(await find('moving.task'), second);

  const own = slugid();
  const authorize = (): void => {};
  const request = { ...plainTask(clock.now()), taskQueueId: 'own/queue' } as never;
  await queue.verbs.createTasks.one({ taskId: own, request, authorize });
  await index.insertTask({ path: 'own.task', taskId: own, rank: 0, data: {}, expires });
  publish('own.task');
  assert.equal(await find('own.task'), own);
});

const statusOf = async (taskId: string) => {
  const [answer] = await queue.verbs.readStatuses.all([taskId]);
  return typeof answer === 'string'
    ? (JSON.parse(answer) as { state: string; runs: { state: string }[] })
    : undefined;
};

const artifactsOf = (taskId: string) =>
  test.db<{ name: string; runId: number }>`
    select name, run_id from artifacts where task_id = ${taskId} order by name`;

it('has a task whose artifacts cannot all be kept: nothing of it is here until they can', async () => {
  const taskId = publish('torn.task', { artifacts: ['public/one', `public/${'x'.repeat(1100)}`] });
  assert.match(await find('torn.task'), /cannot be kept here: The name of an artifact/);
  assert.equal(await statusOf(taskId), undefined);
  assert.deepEqual(await artifactsOf(taskId), []);
  tasks.set(taskId, { artifacts: ['public/one', 'public/two'] });
  clock.advance(minutes(1));
  assert.equal(await find('torn.task'), taskId);
  assert.deepEqual(
    (await artifactsOf(taskId)).map(({ name }) => name),
    ['public/one', 'public/two'],
  );
});

it('has a task that an earlier version brought in part: the rest is brought', async () => {
  const authorize = (): void => {};
  const worker = { workerGroup: 'upstream', workerId: 'published' };
  const beginning = async (): Promise<string> => {
    const taskId = publish('half.task', { artifacts: ['public/one', 'public/two'] });
    const request = { ...plainTask(clock.now()), taskQueueId: 'upstream/published', retries: 0 } as never;
    await queue.verbs.createTasks.one({ taskId, request, authorize });
    return taskId;
  };
  const claimed = async (): Promise<string> => {
    const taskId = await beginning();
    await queue.verbs.claimRuns.one({ taskId, runId: 0, worker, authorize });
    return taskId;
  };
  const ended = async (): Promise<string> => {
    const taskId = await claimed();
    await queue.verbs.resolveRuns.one({ taskId, runId: 0, end: 'exception', reason: 'worker-shutdown' });
    return taskId;
  };
  for (const begin of [beginning, claimed, ended]) {
    const taskId = await begin();
    clock.advance(minutes(10));
    assert.equal(await find('half.task'), taskId, begin.name);
    const status = await statusOf(taskId);
    const runId = (status?.runs.length ?? 0) - 1;
    assert.equal(status?.state, 'completed');
    assert.deepEqual(await artifactsOf(taskId), [
      { name: 'public/one', runId },
      { name: 'public/two', runId },
    ]);
  }
});

it('is asked once for what several callers look for at the same time', async () => {
  const taskId = publish('wanted.task');
  const held: (() => void)[] = [];
  interrupt = (path, response) => {
    if (!path.endsWith('/status')) return false;
    held.push(() => void json(response, { status: { state: 'completed', runs: [{}] } }));
    return true;
  };
  const found = [find('wanted.task'), find('wanted.task')];
  await eventually('the task to be asked for', () => held.length > 0);
  found.push(find('wanted.task'));
  for (const go of held) go();
  assert.deepEqual(await Promise.all(found), [taskId, taskId, taskId]);
  assert.equal(asked.filter((path) => path.endsWith('/indexes')).length, 1);
});

it('names tasks by ids and by nothing else: what is no id is asked for nowhere', async () => {
  for (const taskId of ['../../../secrets/v1/secret/x', '', 'AAAAAAAAQAOAAAAAAAAAAA/../x', 7, null]) {
    clock.advance(minutes(10));
    entries.set('strange.task', taskId as string);
    asked.length = 0;
    assert.match(await find('strange.task'), /strange\.task/);
    assert.deepEqual(asked, ['/api/index/v1/tasks/indexes']);
  }
});
