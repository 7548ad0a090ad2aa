import { mkdir, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Clock, seconds } from './clock.ts';
import { defaultPath, nodeDirectories } from './config.ts';
import { chooseEngine } from './engines/index.ts';
import { startLiveLogServer } from './logs/index.ts';
import { openCaches, openDownloads } from './mounts/index.ts';
import type { WorkerTools } from './runs/index.ts';
import { takeWorkDirectory, type WorkDirectory } from './work-directory.ts';
import type { WorkerLog } from './worker-log.ts';
import type { WorkerOptions } from './worker-options.ts';

const dayInSeconds = 86_400;

const checkCapacity = (capacity: number): void => {
  if (Number.isInteger(capacity) && capacity >= 1 && capacity <= 32) return;
  throw new Error(`A worker's capacity is a number from 1 to 32, not ${capacity}.`);
};

/** Makes everything that runs share, and what undoes it. */
export const openTools = async (
  options: WorkerOptions,
  { clock, log }: { clock: Clock; log: WorkerLog },
): Promise<{ tools: WorkerTools; close(): Promise<void> }> => {
  const { rootUrl, taskQueueId, workerGroup, workerId, path = defaultPath() } = options;
  checkCapacity(options.capacity ?? 1);
  await mkdir(options.workDir, { recursive: true, mode: 0o700 });
  // Tasks are shown their directory under its real name.
  const workDir = await realpath(resolve(options.workDir));
  const directory = await takeWorkDirectory(workDir);
  try {
    const engine = await chooseEngine({
      clock,
      choice: options.engine ?? 'auto',
      path,
      readOnlyPaths: [...nodeDirectories(), ...(options.readOnlyPaths ?? []).map((one) => resolve(one))],
      hiddenPaths: [...(options.hiddenPaths ?? []).map((one) => resolve(one)), workDir],
      isolateNetwork: options.isolateNetwork ?? false,
      directory: directory.runs,
    });
    const liveLogs = await startLiveLogServer();
    const tools: WorkerTools = {
      clock,
      log,
      rootUrl: rootUrl.replace(/\/+$/, ''),
      identity: { taskQueueId, workerGroup, workerId },
      engine,
      mounts: await openMountSources(directory, clock),
      liveLogs,
      runsDirectory: directory.runs,
      path,
      killGraceMs: seconds(options.killGraceSeconds ?? 10),
      maxRunTimeSecondsMax: options.maxRunTimeSecondsMax ?? dayInSeconds,
    };
    const close = async (): Promise<void> => {
      engine.close();
      await liveLogs.close();
      await directory.release();
    };
    return { tools, close };
  } catch (error) {
    await directory.release();
    throw error;
  }
};

const openMountSources = async (directory: WorkDirectory, clock: Clock) => ({
  caches: await openCaches(directory.caches),
  downloads: await openDownloads(directory.downloads, clock),
});
