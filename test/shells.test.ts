import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ApiError, fromNow, locateArtifact, Queue } from '@taskyard/client';
import { within } from '@taskyard/patience';
import { WebSocket } from 'ws';
import { type Ended, runProgram } from './support/command.ts';
import {
  aMachine,
  createTask,
  environmentOf,
  go,
  liveUrl,
  logName,
  resolved,
  startWorker,
} from './support/live-logs.ts';
import { aHome, type Platform, taskyard } from './support/platform.ts';

const shellName = 'private/generic-worker/shell.html';
const interactive = { features: { interactive: true } };

/** What a server answers to somebody who wants to open a shell: 101 when it is opened. */
const statusOfShell = (url: string): Promise<number> => {
  const socket = new WebSocket(url.replace(/^http/, 'ws'));
  const answered = new Promise<number>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (request, { statusCode = 0 }) => {
      request.destroy();
      resolve(statusCode);
    });
  });
  return within('an answer', answered).finally(() => socket.terminate());
};

/** Opens a shell by the command line, and types this. */
const shell = (platform: Platform, taskId: string, input: string, more: object = {}): Promise<Ended> =>
  within(
    'the shell to end',
    runProgram(process.execPath, [taskyard, 'task', 'shell', taskId], {
      env: environmentOf(platform),
      input,
      ...more,
    }),
  );

describe('shells in tasks', () => {
  it('whose-shell: each task has shells of its own, at addresses that nobody else has', async (t) => {
    const home = await aHome(t);
    const platform = await home.start({ PROCESSES: '2' }, undefined, '--no-worker');
    const { rootUrl, credentials } = platform;
    startWorker(t, platform, await aMachine(t));
    const elsewhere = { TASKYARD_WORKER_TASK_QUEUE_ID: 'example/elsewhere', TASKYARD_WORKER_ID: 'other' };
    startWorker(t, platform, await aMachine(t), { env: elsewhere });
    const queue = new Queue({ rootUrl, credentials });
    const aTask = async (who: string, more: object = {}) => {
      const steps = await aMachine(t);
      const payload = { ...interactive, env: { WHO: who } };
      const taskId = await createTask(queue, steps, { steps: ['true'], payload, ...more });
      return { taskId, steps, url: await liveUrl(queue, taskId, shellName) };
    };
    const a = await aTask('a');
    const b = await aTask('b');
    const c = await aTask('c', { taskQueueId: 'example/elsewhere' });

    await t.test('an address leads into its task, also when another has begun since', async () => {
      for (const [who, { taskId }] of [['a', a] as const, ['b', b] as const, ['c', c] as const]) {
        const { out, err, code } = await shell(
          platform,
          taskId,
          'echo "I am $WHO in $TASK_ID"; pwd; exit 7\n',
        );
        assert.equal(code, 7, err);
        assert.match(out, new RegExp(`^I am ${who} in ${taskId}\r?$`, 'm'));
        assert.match(out, new RegExp(`${taskId}-0/task\r?$`, 'm'));
      }
    });

    await t.test('every process of the server leads there, as often as one likes', async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => statusOfShell(a.url)));
      assert.deepEqual(answers, Array(6).fill(101));
    });

    await t.test('the secret of one at the address of another is refused', async () => {
      const [ofA, ofC] = [a.url, c.url].map((url) => url.split('/shell/'));
      assert.notEqual(a.url, b.url);
      assert.equal(await statusOfShell(`${ofA?.[0]}/shell/${ofC?.[1]}`), 404);
      assert.equal(await statusOfShell(`${ofC?.[0]}/shell/${ofA?.[1]}`), 404);
      assert.equal(await statusOfShell(`${a.url}x`), 404);
      assert.equal(await statusOfShell(a.url.replace('/shell/', '/log/')), 404);
      // A shell is not read like a log, nor a log opened like a shell.
      assert.equal((await fetch(a.url)).status, 400);
      const log = await liveUrl(queue, a.taskId);
      assert.equal(await statusOfShell(log.replace('/log/', '/shell/')), 404);
    });

    await t.test('those who may not read the artifact do not learn the address', async () => {
      const stranger = new Queue({ rootUrl });
      const found = locateArtifact(stranger, { taskId: a.taskId, runId: 0, name: shellName });
      await assert.rejects(found, (error) => error instanceof ApiError && error.statusCode === 403);
    });

    await t.test('with the task its shells end, and its address is dead', async () => {
      let child: ChildProcess | undefined;
      const open = shell(platform, a.taskId, 'echo "it is $((40 + 2))"; sleep 1000\n', {
        onStart: (started: ChildProcess) => {
          child = started;
          started.stdout?.on('data', (chunk: Buffer) => {
            if (String(chunk).includes('it is 42')) void go(a.steps, 0);
          });
        },
      });
      assert.equal(await resolved(queue, a.taskId), 'completed');
      const { code } = await open;
      assert.notEqual(code, 0);
      assert.equal(child?.exitCode, code);
      assert.equal(await statusOfShell(a.url), 404);
      assert.equal(await statusOfShell(b.url), 101);
      const late = await shell(platform, a.taskId, 'true\n');
      assert.match(late.err, /while its commands run, and this one is completed/);
    });
    for (const { taskId, steps } of [b, c]) {
      await go(steps, 0);
      assert.equal(await resolved(queue, taskId), 'completed');
    }
  });

  it('and what else people see of a task', async (t) => {
    const home = await aHome(t);
    const platform = await home.start({}, undefined, '--no-worker');
    const { rootUrl, credentials } = platform;
    startWorker(t, platform, await aMachine(t));
    const queue = new Queue({ rootUrl, credentials });

    await t.test(
      'log-outlives-task: what leads to a running task is gone with it at the latest',
      async () => {
        const end = fromNow('1 hour').toJSON();
        for (const features of [{}, { interactive: true }]) {
          const steps = await aMachine(t);
          const payload = { maxRunTime: 7200, features };
          const more = { payload, deadline: end, expires: end };
          const taskId = await createTask(queue, steps, { steps: ['true'], ...more });
          const names = 'interactive' in features ? [logName, shellName] : [logName];
          for (const name of names) await liveUrl(queue, taskId, name);
          const { artifacts } = await queue.listArtifacts(taskId, 0);
          for (const name of names)
            assert.equal(artifacts.find((artifact) => artifact.name === name)?.expires, end, name);
          await go(steps, 0);
          assert.equal(await resolved(queue, taskId), 'completed');
        }
      },
    );

    await t.test(
      'a task is run at home, its directory kept and entered, and the queue hears nothing',
      async () => {
        const folder = await aMachine(t);
        const script = 'echo "made by $TASK_ID" > out; echo said; exit 3';
        const artifacts = [{ type: 'file', path: 'out', name: 'public/out' }];
        const payload = { command: [['sh', '-c', script]], artifacts };
        const more = { payload, taskQueueId: 'example/nobody' };
        const taskId = await createTask(queue, folder, { steps: [], ...more });
        const words = [taskyard, 'worker', 'run-task', taskId, '--shell', '--engine', 'process'];
        const ran = runProgram(process.execPath, [...words, '--work-dir', `${folder}/work`], {
          env: environmentOf(platform),
          input: 'echo "more of $TASK_ID" >> out; exit\n',
        });
        const { out, err, code } = await within('the task to be run', ran);
        assert.equal(code, 1, err);
        assert.match(out, /^said$/m);
        assert.match(out, /Exit code 3 after/);
        const [, directory = ''] = /^The directory of the task: (.*)$/m.exec(err) ?? [];
        const kept = await readFile(join(directory, 'out'), 'utf8');
        assert.equal(kept, `made by ${taskId}\nmore of ${taskId}\n`);
        assert.match(out, /Artifact public\/out$/m);
        const { status } = await queue.status(taskId);
        assert.deepEqual([status.state, status.runs.length], ['pending', 1]);
        assert.deepEqual((await queue.listArtifacts(taskId, 0)).artifacts, []);
      },
    );
  });
});
