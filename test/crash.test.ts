import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { followEvents, Queue, type StreamedMessage } from '@taskyard/client';
import { within } from '@taskyard/patience';
import pg from 'pg';
import { assertInvariants } from './support/invariants.ts';
import { startLoad } from './support/load.ts';
import { aHome, type Platform, plainEnvironment, root, taskyard } from './support/platform.ts';
import { withDatabaseOf } from './support/postgres.ts';

const parts = 40;
const graph = `
version: 1
name: a graph that is interrupted
defaults: { payload: { maxRunTime: 60 } }
tasks:
  - start: { payload: { command: [[echo, start]] } }
  - $map: { $eval: 'range(0, ${parts})' }
    each(i): { 'part \${i}': { needs: [start], payload: { command: [[echo, '\${i}']] } } }
  - end:
      needs: { $map: { $eval: 'range(0, ${parts})' }, each(i): 'part \${i}' }
      payload: { command: [[echo, end]] }
`;

interface TaskPayload {
  readonly status: { readonly taskId: string; readonly taskGroupId: string; readonly state: string };
  readonly runId?: number;
}
type TaskMessage = StreamedMessage<TaskPayload>;

const exchange = (name: string): string => `exchange/taskcluster-queue/v1/task-${name}`;
const bindings = ['defined', 'pending', 'running', 'completed', 'failed', 'exception'].map((name) => ({
  exchange: exchange(name),
  routingKeyPattern: '#',
}));

interface Following {
  readonly platform: Platform;
  /** Holds what came before, and grows. */
  readonly messages: TaskMessage[];
  readonly isEnough: () => boolean;
  readonly onConnect?: () => void;
}

/** Reads the event stream, from where the messages end, until they are enough. */
const follow = async ({ platform, messages, isEnough, onConnect }: Following): Promise<void> => {
  const { rootUrl, credentials } = platform;
  const stop = new AbortController();
  const lastEventId = messages.at(-1)?.id;
  const stream = followEvents<TaskPayload>({
    rootUrl,
    credentials,
    bindings,
    lastEventId,
    signal: stop.signal,
    onConnect,
  });
  for await (const message of stream) {
    messages.push(message);
    if (isEnough()) break;
  }
  stop.abort();
};

const completed = (messages: readonly TaskMessage[]): Set<string> =>
  new Set(
    messages
      .filter((message) => message.exchange === exchange('completed'))
      .map(({ payload }) => payload.status.taskId),
  );

/** A message in short: its name, task and run. */
const wordsOf = ({ exchange: from, payload }: Pick<TaskMessage, 'exchange' | 'payload'>): string =>
  [payload.status.taskId, from.slice(from.lastIndexOf('/') + 1), payload.runId ?? '-'].join(' ');

const ask = async <Row extends object>(url: string, text: string, values: unknown[] = []): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
};

const publishedIn = async (url: string): Promise<string[]> => {
  const rows = await ask<{ exchange: string; payload: string }>(
    url,
    'select exchange, payload from outbox where exchange = any($1) order by id',
    [bindings.map((binding) => binding.exchange)],
  );
  return rows.map(({ payload, ...row }) => wordsOf({ ...row, payload: JSON.parse(payload) as TaskPayload }));
};

/** The messages of each task, in their order. */
const byTask = (words: readonly string[]): Record<string, string[]> => {
  const tasks: Record<string, string[]> = {};
  for (const word of words) {
    const taskId = word.slice(0, 22);
    tasks[taskId] = [...(tasks[taskId] ?? []), word];
  }
  return tasks;
};

it('a server that is killed loses no task that it acknowledged, and no message', async (t) => {
  const home = await aHome(t);
  // What the killed worker had claimed is given to the next one after five seconds.
  const start = () => home.start({ TASK_CLAIM_TIMEOUT: '5' });
  const first = await start();
  const messages: TaskMessage[] = [];
  let following: Promise<void> | undefined;
  await new Promise<void>((onConnect) => {
    const isEnough = () => completed(messages).size >= parts / 4;
    following = follow({ platform: first, messages, isEnough, onConnect });
  });

  const file = join(home.path, 'graph.yml');
  await writeFile(file, graph);
  // Not `run`: what a killed one leaves is canceled.
  const create = spawn(process.execPath, [taskyard, 'group', 'create', file], {
    cwd: root,
    env: {
      ...plainEnvironment(),
      TASKCLUSTER_ROOT_URL: first.rootUrl,
      TASKCLUSTER_CLIENT_ID: first.credentials.clientId,
      TASKCLUSTER_ACCESS_TOKEN: first.credentials.accessToken,
    },
    stdio: 'ignore',
  });
  const [code] = (await within('the graph to be created', once(create, 'exit'))) as [number];
  assert.equal(code, 0);
  await following;
  await first.kill();

  const [left] = await withDatabaseOf(home.path, (url) =>
    ask<{ count: number }>(url, `select count(*)::int as count from task_status where state <> 'completed'`),
  );
  assert.ok(left && left.count > 0, 'it was killed in the middle');

  const second = await start();
  await follow({ platform: second, messages, isEnough: () => completed(messages).size >= parts + 2 });

  const { rootUrl, credentials } = second;
  const taskGroupId = messages[0]?.payload.status.taskGroupId ?? '';
  const { tasks } = await new Queue({ rootUrl, credentials }).listTaskGroup(taskGroupId);
  assert.equal(tasks.length, parts + 2);
  const acknowledged = tasks.map(({ status }) => status.taskId);
  for (const { status } of tasks) assert.equal(status.state, 'completed', status.taskId);
  assert.equal(new Set(messages.map(({ id }) => id)).size, messages.length, 'no message came twice');

  await second.stop();
  await withDatabaseOf(home.path, async (url) => {
    await assertInvariants(url, { acknowledged });
    // What was published is what was read: the same messages, and those of each task in the same order.
    assert.deepEqual(byTask(messages.map(wordsOf)), byTask(await publishedIn(url)));
  });
});

const killsOf = 5;

it('a server that is killed again and again breaks no invariant', async (t) => {
  const home = await aHome(t);
  const start = () => home.start({ WORKER: 'false', TASK_CLAIM_TIMEOUT: '4', LOG_LEVEL: 'fatal' });
  let platform = await start();
  const load = startLoad(() => platform, { rounds: 60 });
  const moments: number[] = [];
  for (let kill = 0; kill < killsOf; kill++) {
    const calls = randomInt(10, 80);
    moments.push(calls);
    await load.more(calls);
    await platform.kill();
    platform = await start();
  }
  t.diagnostic(`killed after ${moments.join(', ')} answers`);
  await load.done;
  await platform.stop();
  const { acknowledged } = load;
  t.diagnostic(`${acknowledged.size} tasks, failures: ${JSON.stringify(load.failures)}`);
  await withDatabaseOf(home.path, (url) => assertInvariants(url, { acknowledged }));
});
