import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { defaultPath } from './config.ts';
import { findSandbox } from './engines/bubblewrap.ts';
import { containerCases } from './testing/container-cases.ts';
import { type ContainerDaemon, noContainers, startContainerDaemon } from './testing/container-daemon.ts';
import { type FakeQueue, startFakeQueue } from './testing/fake-queue.ts';
import { mountCases } from './testing/mount-cases.ts';
import { checkCase, type PayloadCase } from './testing/payload-case.ts';
import { payloadCases } from './testing/payload-cases.ts';
import { startWorker } from './worker.ts';
import type { WorkerOptions } from './worker-options.ts';

const sandbox = { path: defaultPath(), readOnlyPaths: [], hiddenPaths: [], isolateNetwork: false };
const hasBubblewrap = (await findSandbox(sandbox, '/tmp')) !== undefined;
const skips = {
  process: false,
  bubblewrap: hasBubblewrap ? false : 'bubblewrap does not work on this machine',
  docker: noContainers,
} as const;

const startScene = async (engine: keyof typeof skips) => {
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
    await rm(workDir, { recursive: true, force: true, maxRetries: 5 });
  };
  await worker.started.catch(async (error) => {
    await close();
    throw error;
  });
  return { daemon, queue, close };
};

for (const engine of ['process', 'bubblewrap', 'docker'] as const) {
  // The names have to be known before there is anything to run them on.
  const skip = skips[engine];
  const scene = skip === false ? await startScene(engine) : undefined;
  after(() => scene?.close());

  const cases: PayloadCase[] = scene
    ? [...payloadCases, ...mountCases(scene.queue), ...(await containerCases(scene))]
    : [];

  describe(`${engine}: payloads`, { skip, concurrency: 4 }, () => {
    for (const one of cases) {
      test(one.name, { skip: one.not?.[engine] ?? false }, () => checkCase(scene?.queue as FakeQueue, one));
    }
  });
}
