import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { followEvents, Queue, type StreamedMessage } from '@taskyard/client';
import { aHome, type Platform, plainEnvironment, root, taskyard } from './support/platform.ts';

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

it('a server that is killed loses no task that it acknowledged, and no message', {
  timeout: 240_000,
}, async (t) => {
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
  const run = spawn(process.execPath, [taskyard, 'run', file, '--data', home.path], {
    cwd: root,
    env: plainEnvironment(),
    stdio: 'ignore',
  });
  await following;
  await first.kill();
  run.kill('SIGKILL');
  await once(run, 'exit');

  const second = await start();
  await follow({ platform: second, messages, isEnough: () => completed(messages).size >= parts + 2 });

  const { rootUrl, credentials } = second;
  const taskGroupId = messages[0]?.payload.status.taskGroupId ?? '';
  const { tasks } = await new Queue({ rootUrl, credentials }).listTaskGroup(taskGroupId);
  assert.equal(tasks.length, parts + 2);
  const sent = new Set(
    messages.map(({ exchange: from, payload }) =>
      [from, payload.status.taskId, ...(payload.runId === undefined ? [] : [payload.runId])].join(' '),
    ),
  );
  for (const { status } of tasks) {
    assert.equal(status.state, 'completed');
    assert.ok(sent.has(`${exchange('defined')} ${status.taskId}`), `${status.taskId} was defined`);
    for (const { runId, state } of status.runs) {
      for (const name of ['pending', 'running', state]) {
        assert.ok(sent.has(`${exchange(name)} ${status.taskId} ${runId}`), `${status.taskId}: ${name}`);
      }
    }
  }
});
