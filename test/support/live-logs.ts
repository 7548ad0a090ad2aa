import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromNow, locateArtifact, type Queue, slugid } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import { type Ending, type Platform, plainEnvironment, taskyard } from './platform.ts';

/** The task queue of the workers that these tests start. */
const taskQueueId = 'example/live';
/** Where the log of a task is. */
export const logName = 'public/logs/live.log';

/** A machine of its own for a worker; it goes with the test. */
export const aMachine = async (test: Ending): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-machine-'));
  test.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  return folder;
};

/** How commands reach a platform. */
export const environmentOf = ({ rootUrl, credentials }: Pick<Platform, 'rootUrl' | 'credentials'>) => ({
  TASKCLUSTER_ROOT_URL: rootUrl,
  TASKCLUSTER_CLIENT_ID: credentials.clientId,
  TASKCLUSTER_ACCESS_TOKEN: credentials.accessToken,
});

/** A worker as a process of its own, with capacity for three tasks. */
export const startWorker = (
  test: Ending,
  platform: Platform,
  machine: string,
  { env = {} }: { env?: object } = {},
): void => {
  const words = [taskyard, 'worker', '--engine', 'process', '--capacity', '3'];
  const worker = spawn(process.execPath, words, {
    cwd: machine,
    env: {
      ...plainEnvironment(),
      ...environmentOf(platform),
      TASKYARD_WORKER_TASK_QUEUE_ID: taskQueueId,
      ...env,
    },
    stdio: 'ignore',
  });
  const ended = once(worker, 'exit');
  test.after(async () => {
    worker.kill();
    await within('the worker to end', ended);
  });
};

/** A task whose steps a test lets happen one by one: it waits for the file `go-<step>` of the machine. */
export const createTask = async (
  queue: Queue,
  machine: string,
  {
    steps,
    payload = {},
    ...more
  }: {
    steps: readonly string[];
    payload?: object;
    taskQueueId?: string;
    deadline?: string;
    expires?: string;
  },
): Promise<string> => {
  const script = steps.map((step, i) => `until [ -e ${machine}/go-${i} ]; do sleep 0.05; done; ${step}`);
  const taskId = slugid();
  await queue.createTask(taskId, {
    taskQueueId,
    created: new Date().toJSON(),
    deadline: fromNow('1 hour').toJSON(),
    payload: { command: [['sh', '-c', script.join('; ')]], maxRunTime: 600, ...payload },
    metadata: { name: 'steps', description: '', owner: 'a@example.com', source: 'https://example.com/' },
    ...more,
  });
  return taskId;
};

/** Lets a step of a task happen. */
export const go = (machine: string, step: number): Promise<void> =>
  writeFile(join(machine, `go-${step}`), '');

/** Where the log can be read while it grows. */
export const liveUrl = async (queue: Queue, taskId: string, name = logName): Promise<string> => {
  const { url } = await eventually(
    'the live log to be shown',
    () => locateArtifact(queue, { taskId, runId: 0, name }).catch(() => undefined),
    (source) => source?.storageType === 'reference',
  ).then((source) => source ?? { url: '' });
  return url;
};

interface Viewer {
  readonly response: IncomingMessage;
  /** Waits until what has come ends so. */
  sees(ending: string): Promise<string>;
  /** Resolves with everything when the reply ends, and rejects when it is broken off. */
  readonly all: Promise<string>;
}

/** A reply on a connection of its own. */
const replyOf = async (url: string): Promise<IncomingMessage> => {
  const sent = request(url, { agent: false });
  sent.end();
  const [response] = (await within('a reply', once(sent, 'response'))) as [IncomingMessage];
  if (response.statusCode !== 200) response.destroy();
  return response;
};

/** A viewer who asks again while the worker is cut off. */
export const aViewer = async (url: string): Promise<Viewer> => {
  const response = await eventually(
    'the log',
    () => replyOf(url),
    ({ statusCode }) => statusCode !== 503,
  );
  assert.equal(response.statusCode, 200);
  let seen = '';
  const all = new Promise<string>((resolve, reject) => {
    response.setEncoding('utf8').on('data', (chunk: string) => {
      seen += chunk;
    });
    response.once('end', () => resolve(seen)).once('error', reject);
  });
  all.catch(() => {});
  return {
    response,
    sees: (ending) =>
      eventually(
        `the log to end with ${JSON.stringify(ending)}`,
        () => seen,
        (so) => so.endsWith(ending),
      ),
    all,
  };
};

/** Resolves with the state that a task has ended in. */
export const resolved = (queue: Queue, taskId: string) =>
  eventually(
    'the task to be resolved',
    async () => (await queue.status(taskId)).status.state,
    (state) => !['pending', 'running'].includes(state),
  );
