import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createListener } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { within } from '@taskyard/patience';
import { type Ended, runProgram } from './support/command.ts';
import { aMachine } from './support/live-logs.ts';
import { aHome, plainEnvironment, taskyard } from './support/platform.ts';

const words = [taskyard, 'worker', '--engine', 'process', '--task-queue-id', 'example/none'];

const runWorker = (
  cwd: string,
  rootUrl: string,
  env: Readonly<Record<string, string>> = {},
  onStart: (child: ChildProcess) => void = () => undefined,
): Promise<Ended> =>
  runProgram(process.execPath, words, {
    cwd,
    onStart,
    env: {
      TASKCLUSTER_ROOT_URL: rootUrl,
      TASKCLUSTER_CLIENT_ID: 'worker',
      TASKCLUSTER_ACCESS_TOKEN: 'secret',
      ...env,
    },
  });

const registering = {
  TASKYARD_WORKER_PROVIDER: 'static',
  TASKYARD_WORKER_PROVIDER_ID: 'static',
  TASKYARD_WORKER_STATIC_SECRET: 'x'.repeat(44),
};

/** A port at which nothing listens. */
const deadUrl = async (): Promise<string> => {
  const listener = createListener().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return `http://127.0.0.1:${port}`;
};

/** The last thing that a command says on a line of its own, when it is not a line of the worker's log. */
const sentenceOf = ({ err }: Ended): string => err.trim().split('\n').at(-1) ?? '';

test('a worker that cannot work says so in a sentence, and ends', { concurrency: true }, async (t) => {
  const machine = (): Promise<string> => aMachine(t);

  // Each waits for about half a minute before it gives up.
  await Promise.all([
    t.test('where no server listens', async () => {
      const rootUrl = await deadUrl();
      const ended = await runWorker(await machine(), rootUrl);
      assert.equal(ended.code, 69);
      assert.ok(
        sentenceOf(ended).startsWith(`taskyard: No server was reached at ${rootUrl} in 6 attempts: `),
      );
    }),

    t.test('where another program listens', async (t) => {
      const other = createServer((_request, response) => response.writeHead(501).end('What is that?'));
      other.listen(0, '127.0.0.1');
      await once(other, 'listening');
      t.after(() => void other.close());
      const rootUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      const ended = await runWorker(await machine(), rootUrl);
      assert.equal(ended.code, 69);
      assert.match(sentenceOf(ended), /^taskyard: No server was reached at .* in 6 attempts: .*501/);
    }),

    t.test('where it is to register and no server listens', async () => {
      const ended = await runWorker(await machine(), await deadUrl(), registering);
      assert.equal(ended.code, 69);
      assert.match(sentenceOf(ended), /^taskyard: The worker could not be registered: No answer from /);
    }),

    t.test('or ends at once when it is told to, though its registration is never answered', async (t) => {
      let worker: ChildProcess | undefined;
      const silent = createServer(() => void worker?.kill('SIGTERM'));
      silent.listen(0, '127.0.0.1');
      await once(silent, 'listening');
      t.after(() => {
        silent.closeAllConnections();
        silent.close();
      });
      const rootUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
      const ended = await runWorker(await machine(), rootUrl, registering, (child) => {
        worker = child;
      });
      assert.equal(ended.code, 71, ended.err);
    }),

    t.test('with a setting that is wrong', async () => {
      const ended = await runWorker(await machine(), 'http://localhost:1', {
        TASKYARD_WORKER_PROVIDER: 'sometimes',
      });
      assert.equal(ended.code, 73);
      assert.match(
        sentenceOf(ended),
        /^- provider \(TASKYARD_WORKER_PROVIDER\) must be one of none, static, aws\./,
      );
    }),

    t.test('in a folder that another worker has', async (t) => {
      const { rootUrl, credentials } = await (await aHome(t)).start({}, undefined, '--no-worker');
      const folder = await machine();
      const env = {
        TASKCLUSTER_ROOT_URL: rootUrl,
        TASKCLUSTER_CLIENT_ID: credentials.clientId,
        TASKCLUSTER_ACCESS_TOKEN: credentials.accessToken,
      };
      const first = spawn(process.execPath, words, {
        cwd: folder,
        env: { ...plainEnvironment(), ...env },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const ended = once(first, 'exit');
      t.after(async () => {
        first.kill();
        await within('the first worker to end', ended);
      });
      await within('the first worker to start', once(createInterface(first.stdout), 'line'));
      const second = await runWorker(folder, rootUrl, env);
      assert.equal(second.code, 69);
      assert.equal(
        sentenceOf(second),
        `taskyard: Another worker is using ${folder}/.taskyard-worker: give this one a folder of its own (--work-dir).`,
      );
      assert.doesNotMatch(second.err, /^\s+at /m);
    }),

    t.test('at an address for live logs that is not of its machine', async () => {
      const ended = await runWorker(await machine(), await deadUrl(), {
        TASKYARD_WORKER_LIVE_LOG_ADDRESS: '203.0.113.5',
      });
      assert.equal(ended.code, 69);
      assert.match(sentenceOf(ended), /^taskyard: Live logs cannot be shown at 203\.0\.113\.5: /);
    }),
  ]);
});
