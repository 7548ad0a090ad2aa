import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fromNow, locateArtifact, Queue, slugid } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import pg from 'pg';
import { runProgram } from './support/command.ts';
import { aHome, type Ending, type Platform, plainEnvironment, taskyard } from './support/platform.ts';
import { databaseUrlIn } from './support/postgres.ts';

const taskQueueId = 'example/live';
const logName = 'public/logs/live.log';

/** A machine of its own for a worker; it goes with the test. */
const aMachine = async (test: Ending): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-machine-'));
  test.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  return folder;
};

const environmentOf = ({ rootUrl, credentials }: Pick<Platform, 'rootUrl' | 'credentials'>) => ({
  TASKCLUSTER_ROOT_URL: rootUrl,
  TASKCLUSTER_CLIENT_ID: credentials.clientId,
  TASKCLUSTER_ACCESS_TOKEN: credentials.accessToken,
});

/** A worker as a process of its own, with capacity for three tasks. */
const startWorker = (
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
const createTask = async (
  queue: Queue,
  machine: string,
  { steps, payload = {}, ...more }: { steps: readonly string[]; payload?: object; taskQueueId?: string },
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

const go = (machine: string, step: number): Promise<void> => writeFile(join(machine, `go-${step}`), '');

/** Where the log can be read while it grows. */
const liveUrl = async (queue: Queue, taskId: string, name = logName): Promise<string> => {
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
const aViewer = async (url: string): Promise<Viewer> => {
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

const statusOfUrl = async (url: string, headers = {}): Promise<number> => {
  const response = await fetch(url, { headers });
  await response.body?.cancel();
  return response.status;
};

const countTunnels = async (home: string): Promise<number> => {
  const client = new pg.Client({ connectionString: await databaseUrlIn(home) });
  await client.connect();
  try {
    return (await client.query('select 1 from tunnels')).rows.length;
  } finally {
    await client.end();
  }
};

const resolved = (queue: Queue, taskId: string) =>
  eventually(
    'the task to be resolved',
    async () => (await queue.status(taskId)).status.state,
    (state) => !['pending', 'running'].includes(state),
  );

describe('live logs through the server', () => {
  it('are read by many at once, in every process, while the task runs', async (t) => {
    const home = await aHome(t);
    const platform = await home.start({ PROCESSES: '2' }, undefined, '--no-worker');
    const { rootUrl, credentials } = platform;
    const machine = await aMachine(t);
    startWorker(t, platform, machine);
    const queue = new Queue({ rootUrl, credentials });
    const taskId = await createTask(queue, machine, {
      steps: ['echo one', 'echo two', 'yes 0123456789abcde | head -c 8000000', 'echo three'],
    });
    const url = await liveUrl(queue, taskId);
    assert.equal(new URL(url).origin, rootUrl, 'an address of the server');

    // Connections go to the processes in turn, so these reach both.
    const viewers = await Promise.all(Array.from({ length: 4 }, () => aViewer(url)));
    await go(machine, 0);
    for (const viewer of viewers) await viewer.sees('one\n');
    await go(machine, 1);
    const [first] = await Promise.all(viewers.map((viewer) => viewer.sees('two\n')));
    const header = Buffer.byteLength(first ?? '') - 'one\ntwo\n'.length;

    await t.test('from where a viewer left off, as text that cannot act', async () => {
      const later = await Promise.all(Array.from({ length: 3 }, () => aViewer(`${url}?from=${header + 4}`)));
      for (const { sees, response } of later) {
        assert.equal(await sees('two\n'), 'two\n');
        assert.equal(response.headers['x-log-offset'], String(header + 4));
        assert.equal(response.headers['content-type'], 'text/plain; charset=utf-8');
        assert.equal(response.headers['x-content-type-options'], 'nosniff');
        assert.match(String(response.headers['content-security-policy']), /sandbox/);
        response.destroy();
      }
      const part = await fetch(url, { headers: { range: `bytes=${header}-${header + 2}` } });
      assert.deepEqual([part.status, await part.text()], [206, 'one']);
      assert.equal(part.headers.get('content-range'), `bytes ${header}-${header + 2}/*`);
      assert.equal(await statusOfUrl(url, { range: 'bytes=99999999-' }), 416);
      assert.equal((await fetch(url, { method: 'HEAD' })).status, 200);
    });

    await t.test('by nobody who does not know the path', async () => {
      assert.equal(await statusOfUrl(`${url.slice(0, -1)}!`), 404);
      assert.equal(await statusOfUrl(new URL('/tunnels/nobody/log/x', url).href), 404);
      // What only the server may ask of a worker.
      assert.equal(await statusOfUrl(url.replace(/\/log\/.*/, '/proof')), 404);
    });

    await t.test('by those who are slow, without holding up others or the task', async () => {
      const slow = await aViewer(url);
      slow.response.pause();
      await go(machine, 2);
      for (const viewer of viewers) await viewer.sees('0123456789abcde\n0123456789abcde\n');
      await go(machine, 3);
      assert.equal(await resolved(queue, taskId), 'completed');
      slow.response.resume();
      const texts = await within('the end of all', Promise.all([slow, ...viewers].map(({ all }) => all)));
      const [whole = ''] = texts as string[];
      assert.ok(texts.every((one) => one === whole));
      assert.match(whole.slice(-1000), /^three\n\[taskcluster /m);
      const kept = await runProgram(process.execPath, [taskyard, 'task', 'log', taskId], {
        env: environmentOf(platform),
      });
      assert.equal(kept.out, whole);
    });

    await t.test('until the task has ended: then the path is gone, and soon the tunnel', async () => {
      await eventually('the path to be gone', async () => (await statusOfUrl(url)) === 404);
      await eventually('the tunnel to be closed', async () => (await countTunnels(home.path)) === 0);
    });

    await t.test('by those who hold the scope of the artifact', async (t) => {
      const folder = await aMachine(t);
      const name = 'private/secret.log';
      const taskId = await createTask(queue, folder, {
        steps: ['echo secret'],
        payload: { logs: { live: name, backing: 'private/secret_backing.log' } },
      });
      const url = await liveUrl(queue, taskId, name);
      const asking = (options: object) =>
        locateArtifact(new Queue({ rootUrl, ...options }), { taskId, runId: 0, name });
      const refused = { code: 'InsufficientScopes' };
      await assert.rejects(
        asking({ credentials, authorizedScopes: ['queue:get-artifact:public/*'] }),
        refused,
      );
      await assert.rejects(asking({}), refused);
      const allowed = await asking({ credentials, authorizedScopes: [`queue:get-artifact:${name}`] });
      assert.equal(allowed.url, url);
      await go(folder, 0);
      await resolved(queue, taskId);
    });

    await t.test('from the worker itself, where it is told to show them so', async (t) => {
      const folder = await aMachine(t);
      const env = {
        TASKYARD_WORKER_LIVE_LOG_ADDRESS: '127.0.0.2',
        TASKYARD_WORKER_TASK_QUEUE_ID: 'example/direct',
      };
      startWorker(t, platform, folder, { env });
      const taskId = await createTask(queue, folder, { steps: ['echo here'], taskQueueId: 'example/direct' });
      const url = await liveUrl(queue, taskId);
      assert.equal(new URL(url).hostname, '127.0.0.2');
      const viewer = await aViewer(url);
      await go(folder, 0);
      assert.equal(await resolved(queue, taskId), 'completed');
      assert.match(await viewer.all, /here\n\[taskcluster /);
    });
  });
});

describe('a live log of a server that is started anew', () => {
  it('is taken up where it was, by worker and viewer', async (t) => {
    const home = await aHome(t);
    const first = await home.start({}, undefined, '--no-worker');
    const { rootUrl, credentials } = first;
    const machine = await aMachine(t);
    startWorker(t, first, machine);
    const queue = new Queue({ rootUrl, credentials });
    const taskId = await createTask(queue, machine, { steps: ['echo one', 'echo two', 'echo three'] });
    const url = await liveUrl(queue, taskId);
    let printed = '';
    const following = runProgram(process.execPath, [taskyard, 'task', 'log', '--follow', taskId], {
      env: environmentOf(first),
      onStart: ({ stdout }) =>
        stdout?.on('data', (chunk) => {
          printed += String(chunk);
        }),
    });
    await go(machine, 0);
    await eventually('the first line', () => printed.endsWith('one\n'));

    await first.kill();
    await go(machine, 1);
    await home.start({ PORT: new URL(rootUrl).port }, undefined, '--no-worker');
    await eventually('the second line', () => printed.endsWith('one\ntwo\n'));
    // The address is the same as before: those who know it need not ask once more.
    const viewer = await aViewer(url);
    await viewer.sees('one\ntwo\n');
    await go(machine, 2);
    assert.equal(await resolved(queue, taskId), 'completed');
    const { out, code, err } = await within('the follower to end', following);
    assert.equal(code, 0, err);
    assert.equal(out, await viewer.all);
    assert.match(out, /one\ntwo\nthree\n\[taskcluster /);
  });
});
