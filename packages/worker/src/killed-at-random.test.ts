import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pause, programAt, within } from '@taskyard/patience';
import { sh } from './testing/a-worker.ts';
import { type ContainerDaemon, startContainerDaemon } from './testing/container-daemon.ts';
import { type FakeQueue, startFakeQueue } from './testing/fake-queue.ts';
import { temporaryDirectory } from './testing/places.ts';
import { processesWith } from './testing/processes.ts';
import { skips } from './testing/scene.ts';
import { startWorker } from './worker.ts';
import type { WorkerOptions } from './worker-options.ts';

const program = programAt(fileURLToPath(new URL('./testing/doomed-worker.js', import.meta.url)));

/** Numbers from 0 to 1 that are the same for the same seed. */
const dice = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};

const farFuture = new Date(8_640_000_000_000_000);

const countDone = ({ tasks }: FakeQueue): number =>
  [...tasks.values()].filter(({ runs }) => runs.at(-1)?.state === 'completed').length;

const isDone = (queue: FakeQueue): boolean => countDone(queue) === queue.tasks.size;

const kill = async (worker: ChildProcess): Promise<void> => {
  const died = once(worker, 'exit');
  worker.kill('SIGKILL');
  await within('a killed worker to die', died);
};

/** Starts workers on one directory and kills each at a random moment, until all tasks are done. */
const killUntilDone = async (
  queue: FakeQueue,
  { start, random, lifeMs }: { start: () => ChildProcess; random: () => number; lifeMs: number },
): Promise<number> => {
  let spanMs = lifeMs;
  for (let kills = 0; ; kills++) {
    const doneBefore = countDone(queue);
    const worker = start();
    // Most are killed while they work, some before.
    if (random() < 0.8) {
      await queue.until(
        () => isDone(queue) || [...queue.tasks.values()].some(({ runs }) => runs.at(-1)?.state === 'running'),
      );
    }
    await Promise.race([queue.until(() => isDone(queue)), pause(random() * spanMs)]);
    await kill(worker);
    if (isDone(queue)) return kills;
    // On a busy machine lives may be too short for any task to end: the next ones are longer.
    if (countDone(queue) === doneBefore) spanMs *= 1.2;
    queue.expireClaims(farFuture);
  }
};

/** What the next worker of the directory finds and keeps. */
const assertNothingLeft = async (queue: FakeQueue, workDir: string, more: Partial<WorkerOptions>) => {
  const last = startWorker({
    rootUrl: queue.rootUrl,
    workDir,
    credentials: { clientId: 'worker', accessToken: 'secret' },
    taskQueueId: 'test/worker',
    workerGroup: 'group',
    workerId: 'last',
    ...more,
  });
  await last.started;
  assert.deepEqual(await processesWith(`TASK_WORKDIR=${workDir}`, 'environ'), []);
  // A cache of a killed task is whole or removed, and never in use.
  const mount = { mounts: [{ cacheName: 'shared', directory: 'cache' }] };
  const taskId = queue.addTask(sh('ls cache', mount), { scopes: ['generic-worker:cache:*'] });
  assert.equal((await queue.resolved(taskId)).state, 'completed');
  await last.stop();
  assert.deepEqual(await readdir(join(workDir, 'runs')), []);
  assert.equal(existsSync(join(workDir, 'worker.lock')), false);
};

const scene = async (t: TestContext, engine: 'process' | 'bubblewrap' | 'docker') => {
  const daemon: ContainerDaemon | undefined = engine === 'docker' ? await startContainerDaemon() : undefined;
  const queue = await startFakeQueue({ pollMs: 200 });
  const workDir = await temporaryDirectory(t);
  t.after(async () => {
    await queue.close();
    await daemon?.stop();
  });
  const containers = daemon ? { host: daemon.host, image: daemon.image } : {};
  const options = { engine, capacity: 4, containers, killGraceSeconds: 1 } as const;
  const start = (): ChildProcess =>
    spawn(process.execPath, [program, queue.rootUrl, workDir, engine, JSON.stringify(options)], {
      stdio: 'inherit',
    });
  return { daemon, queue, workDir, options, start };
};

// Containers take longer to start. The whole of it takes minutes of a processor. A third will do where a part was tried
// on another Node.
const { TASKYARD_TEST_WHOLE: isWhole, TASKYARD_TEST_AGAIN: isAgain } = process.env;
for (const [engine, part, lifeMs] of [
  ['process', 30, 600],
  ['bubblewrap', 30, 600],
  ['docker', 15, 2000],
] as const) {
  const count = isWhole ? 100 : Math.ceil(part / (isAgain ? 3 : 1));
  test(`${engine}: ${count} tasks are completed once each by workers that are killed at random moments`, {
    skip: skips[engine],
  }, async (t) => {
    const { daemon, queue, workDir, options, start } = await scene(t, engine);
    const seed = Date.now() % 1_000_000;
    t.diagnostic(`seed ${seed}`);
    const random = dice(seed);
    const mount = { mounts: [{ cacheName: 'shared', directory: 'cache' }] };
    for (let i = 0; i < count; i++) {
      const script = `sleep ${(0.1 + random() / 5).toFixed(2)}; echo ${i}`;
      const withCache = i % 5 === 0 ? mount : {};
      queue.addTask(sh(script, withCache), { scopes: ['generic-worker:cache:*'] });
    }
    const kills = await killUntilDone(queue, { start, random, lifeMs });
    t.diagnostic(`${kills} kills`);
    assert.ok(kills > 0, 'no worker was killed');
    for (const { runs } of queue.tasks.values()) {
      const ends = runs.map(({ state, reason }) => (state === 'completed' ? state : reason));
      assert.deepEqual(ends, [...Array(runs.length - 1).fill('claim-expired'), 'completed']);
    }
    await assertNothingLeft(queue, workDir, options);
    assert.deepEqual((await daemon?.docker.listContainers({ all: true })) ?? [], []);
  });
}
