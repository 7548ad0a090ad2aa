// The program of a platform that several runs share: `run` starts it, and it ends when the last run has left.

import { pause, Queue } from '@taskyard/client';
import { cancelRun } from '../begun-runs.ts';
import type { PlatformSettings } from '../platform.ts';
import { startPlatform } from '../platform.ts';
import type { Started } from './protocol.ts';
import { PlatformReception } from './reception.ts';

const breakDownWithinMs = 10_000;

const { settings, project } = JSON.parse(process.argv[2] ?? '') as {
  settings: PlatformSettings;
  project: string;
};

/** Sends a message to the run that has started this process, while it exists. */
const tell = (told: Started): Promise<void> =>
  new Promise((resolve) => (process.send ? process.send(told, () => resolve()) : resolve()));

const untilTold = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });

const serveRuns = async (): Promise<void> => {
  const told = untilTold();
  const { data } = settings;
  let queue: Queue | undefined;
  const abandon = async (taskGroupId: string): Promise<void> => {
    if (queue) await cancelRun(data, queue, taskGroupId);
  };
  const reception = await PlatformReception.open({ data, abandon });
  try {
    const platform = await startPlatform(settings, { project });
    queue = new Queue({ rootUrl: platform.rootUrl, credentials: platform.credentials });
    reception.letIn();
    await tell({ type: 'ready' });
    process.disconnect?.();
    const failure = await Promise.race([reception.emptied, told, platform.broken]);
    const stopped = platform.stop();
    if (!(failure instanceof Error)) return void (await stopped);
    // Nothing can be saved any more; running parts get a moment to notice.
    await Promise.race([stopped.catch(() => {}), pause(breakDownWithinMs)]);
    throw failure;
  } finally {
    await reception.close();
  }
};

try {
  await serveRuns();
} catch (error) {
  await tell({ type: 'failed', message: (error as Error).message });
  process.exitCode = 1;
}
// Connections of runs that wait for our end would keep the process alive.
process.exit();
