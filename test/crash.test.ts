import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { followEvents, Queue } from '@taskyard/client';
import { within } from '@taskyard/patience';
import { assertInvariants } from './support/invariants.ts';
import { startLoad } from './support/load.ts';
import { aHome, type Platform, plainEnvironment, root, taskyard } from './support/platform.ts';
import { ask, withDatabaseOf } from './support/postgres.ts';
import {
  addStep,
  exchangeOf,
  publishedSteps,
  type Steps,
  type TaskMessage,
  type TaskPayload,
  taskBindings,
} from './support/task-steps.ts';

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
    bindings: taskBindings,
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
      .filter((message) => message.exchange === exchangeOf('completed'))
      .map(({ payload }) => payload.status.taskId),
  );

/** What the messages tell of each task. */
const stepsIn = (messages: readonly TaskMessage[]): Steps => {
  const steps: Steps = new Map();
  for (const message of messages) addStep(steps, message);
  return steps;
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
    assert.deepEqual(stepsIn(messages), await publishedSteps(url));
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
