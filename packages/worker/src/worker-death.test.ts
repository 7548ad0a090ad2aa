import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { defaultPath } from './config.ts';
import { findSandbox } from './engines/bubblewrap.ts';
import { startFakeQueue } from './testing/fake-queue.ts';
import { eventually, temporaryDirectory } from './testing/places.ts';
import { startWorker } from './worker.ts';

const program = fileURLToPath(new URL('./testing/doomed-worker.js', import.meta.url));
const options = { path: defaultPath(), readOnlyPaths: [], hiddenPaths: [], isolateNetwork: false };
const hasBubblewrap = (await findSandbox(options, '/tmp')) !== undefined;

/** The processes of this machine whose command line holds a word. */
const processesWith = async (word: string): Promise<string[]> => {
  const entries = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const lines = await Promise.all(
    entries.map((entry) => readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(word));
};

for (const engine of ['process', 'bubblewrap'] as const) {
  const skip = engine === 'bubblewrap' && !hasBubblewrap && 'bubblewrap does not work on this machine';

  test(`${engine}: a worker killed by SIGKILL takes its tasks with it, and the next one clears up`, {
    skip,
  }, async (t) => {
    const queue = await startFakeQueue();
    const workDir = await temporaryDirectory(t);
    t.after(() => queue.close());
    const doomed = spawn(process.execPath, [program, queue.rootUrl, workDir, engine], { stdio: 'inherit' });
    const died = once(doomed, 'exit');
    const word = `task-of-${process.pid}-${engine}`;
    const script = `trap "" TERM HUP; sh -c 'trap "" TERM HUP; while :; do sleep 0.05; done' ${word} & wait`;
    const first = queue.addTask({ command: [['sh', '-c', script]], maxRunTime: 600 });
    // Two shells, and with bubblewrap its two processes: none is still on its way into the sandbox.
    const processes = engine === 'bubblewrap' ? 4 : 2;
    await eventually(async () => (await processesWith(word)).length >= processes || undefined);
    doomed.kill('SIGKILL');
    await died;
    await eventually(async () => ((await processesWith(word)).length === 0 ? true : undefined));
    assert.deepEqual(await readdir(join(workDir, 'runs')), [`${first}-0`]);

    const credentials = { clientId: 'worker', accessToken: 'secret' };
    const identity = { taskQueueId: 'test/worker', workerGroup: 'group', workerId: 'next' };
    const next = startWorker({ ...identity, rootUrl: queue.rootUrl, credentials, workDir, engine });
    const second = queue.addTask({ command: [['true']], maxRunTime: 600 });
    assert.equal((await queue.resolved(second)).state, 'completed');
    await next.stop();
    assert.deepEqual(await readdir(join(workDir, 'runs')), []);
  });
}

test('two workers cannot use one directory', async (t) => {
  const queue = await startFakeQueue();
  const workDir = await temporaryDirectory(t);
  const credentials = { clientId: 'worker', accessToken: 'secret' };
  const identity = { taskQueueId: 'test/worker', workerGroup: 'group', workerId: 'one' };
  const one = { ...identity, rootUrl: queue.rootUrl, credentials, workDir, engine: 'process' as const };
  const first = startWorker(one);
  t.after(async () => {
    await first.stop();
    await queue.close();
  });
  await first.started;
  await assert.rejects(startWorker(one).stopped, /Another worker is using/);
  await first.stop();
  const third = startWorker(one);
  await third.started;
  await third.stop();
});
