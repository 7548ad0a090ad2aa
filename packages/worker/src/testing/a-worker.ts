import type { TestContext } from 'node:test';
import { type Clock, systemClock } from '../clock.ts';
import { startWorker, type Worker } from '../worker.ts';
import type { WorkerOptions } from '../worker-options.ts';
import { type FakeQueue, type FakeQueueOptions, startFakeQueue } from './fake-queue.ts';
import { temporaryDirectory } from './places.ts';

export interface Scene {
  readonly queue: FakeQueue;
  readonly worker: Worker;
  readonly workDir: string;
}

/** A worker of the process engine, with a queue of its own; both live as long as the test. */
export const aWorker = async (
  t: TestContext,
  options: Partial<WorkerOptions> & { readonly queueOptions?: FakeQueueOptions; readonly clock?: Clock } = {},
): Promise<Scene> => {
  const { queueOptions, clock, ...workerOptions } = options;
  const queue = await startFakeQueue(queueOptions);
  const workDir = await temporaryDirectory(t);
  const common = {
    rootUrl: queue.rootUrl,
    credentials: { clientId: 'worker', accessToken: 'secret' },
    taskQueueId: 'test/worker',
    workerGroup: 'group',
    workerId: 'one',
    workDir,
    engine: 'process',
  } as const;
  const worker = startWorker({ ...common, ...workerOptions }, clock);
  t.after(async () => {
    await worker.stop({ graceSeconds: 0 });
    await queue.close();
  });
  return { queue, worker, workDir };
};

/** A clock by which a worker waits for no longer than this: it renews claims of 20 minutes several times a second. */
export const clockOfShortWaits: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 200), signal),
};

/** A payload that runs a script. */
export const sh = (script: string, more: object = {}): Record<string, unknown> => ({
  command: [['/bin/sh', '-c', script]],
  maxRunTime: 600,
  ...more,
});
