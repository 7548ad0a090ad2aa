import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, programAt, within } from '@taskyard/patience';
import { startContainerDaemon } from './testing/container-daemon.ts';
import { startFakeQueue } from './testing/fake-queue.ts';
import { temporaryDirectory } from './testing/places.ts';
import { processesWith } from './testing/processes.ts';
import { skips } from './testing/scene.ts';
import { startWorker } from './worker.ts';

const program = programAt(fileURLToPath(new URL('./testing/doomed-worker.js', import.meta.url)));

for (const engine of ['process', 'bubblewrap'] as const) {
  test(`${engine}: a worker killed by SIGKILL takes its tasks with it, and the next one clears up`, {
    skip: skips[engine],
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
    await eventually(
      `${processes} processes of the task`,
      () => processesWith(word),
      (found) => found.length >= processes,
    );
    doomed.kill('SIGKILL');
    await within('the killed worker to die', died);
    await eventually(
      'the end of the processes of the task',
      () => processesWith(word),
      (found) => found.length === 0,
    );
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

test('docker: what a worker killed by SIGKILL left running is ended by the next one', {
  skip: skips.docker,
}, async (t) => {
  const daemon = await startContainerDaemon();
  const queue = await startFakeQueue();
  t.after(async () => {
    await queue.close();
    await daemon.stop();
  });
  const workDir = await temporaryDirectory(t);
  const containers = { host: daemon.host, image: daemon.image };
  const settings = JSON.stringify({ containers });
  const doomed = spawn(process.execPath, [program, queue.rootUrl, workDir, 'docker', settings]);
  const died = once(doomed, 'exit');
  const word = `task-in-a-container-of-${process.pid}`;
  queue.addTask({ command: [['sh', '-c', 'while :; do sleep 0.05; done', word]], maxRunTime: 600 });
  await eventually('the process of the task', async () => (await processesWith(word)).length > 0);
  doomed.kill('SIGKILL');
  await within('the killed worker to die', died);

  const credentials = { clientId: 'worker', accessToken: 'secret' };
  const identity = { taskQueueId: 'test/worker', workerGroup: 'group', workerId: 'next' };
  const shared = { rootUrl: queue.rootUrl, credentials, workDir, engine: 'docker' as const, containers };
  const next = startWorker({ ...identity, ...shared });
  await next.started;
  assert.deepEqual(await processesWith(word), []);
  const second = queue.addTask({ command: [['true']], maxRunTime: 600 });
  assert.equal((await queue.resolved(second)).state, 'completed');
  await next.stop();
  assert.deepEqual(await daemon.docker.listContainers({ all: true }), []);
  const networks = await daemon.docker.listNetworks();
  assert.deepEqual(
    networks.map(({ Name }) => Name).filter((name) => name.startsWith('taskyard')),
    [],
  );
});
