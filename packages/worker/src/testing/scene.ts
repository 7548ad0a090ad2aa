import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leftOutFor } from '@taskyard/patience';
import { defaultPath } from '../config.ts';
import { findSandbox } from '../engines/bubblewrap.ts';
import { startWorker } from '../worker.ts';
import type { WorkerOptions } from '../worker-options.ts';
import { type ContainerDaemon, noContainers, startContainerDaemon } from './container-daemon.ts';
import { type FakeQueue, startFakeQueue } from './fake-queue.ts';

const sandbox = { path: defaultPath(), readOnlyPaths: [], hiddenPaths: [], isolateNetwork: false };
const hasBubblewrap = (await findSandbox(sandbox, '/tmp')) !== undefined;
/** Why tests with bubblewrap are left out; false where they run. */
export const noBubblewrap = leftOutFor(!hasBubblewrap && 'bubblewrap does not work on this machine');

/** Why an engine cannot be tried on this machine; false where it can. */
export const skips = {
  process: false,
  bubblewrap: noBubblewrap,
  docker: noContainers,
} as const;

/** A worker of an engine, with a queue of its own. */
export const startScene = async (engine: keyof typeof skips) => {
  const daemon: ContainerDaemon | undefined = engine === 'docker' ? await startContainerDaemon() : undefined;
  const queue: FakeQueue = await startFakeQueue();
  const workDir = await mkdtemp(join(tmpdir(), 'taskyard-cases-'));
  const containers: WorkerOptions['containers'] = daemon ? { host: daemon.host, image: daemon.image } : {};
  const worker = startWorker({
    rootUrl: queue.rootUrl,
    credentials: { clientId: 'worker', accessToken: 'secret' },
    taskQueueId: 'test/worker',
    workerGroup: 'group',
    workerId: engine,
    workDir,
    engine,
    capacity: 4,
    killGraceSeconds: 1,
    containers,
  });
  const close = async (): Promise<void> => {
    await worker.stop({ graceSeconds: 0 });
    await queue.close();
    await daemon?.stop();
    const left = await readdir(join(workDir, 'runs')).catch(() => []);
    await rm(workDir, { recursive: true, force: true, maxRetries: 5 });
    assert.deepEqual(left, [], 'directories of runs are left');
  };
  await worker.started.catch(async (error) => {
    await close();
    throw error;
  });
  return { daemon, queue, workDir, close };
};

export type Scene = Awaited<ReturnType<typeof startScene>>;
