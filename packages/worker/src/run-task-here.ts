import { Queue } from '@taskyard/client';
import type { HeldClaim } from './claims/index.ts';
import { localClaim } from './claims/index.ts';
import { systemClock } from './clock.ts';
import { type HereOptions, type RanHere, runHere } from './runs/index.ts';
import { silentLog } from './worker-log.ts';
import { credentialsOf, type WorkerOptions } from './worker-options.ts';
import { openTools } from './worker-tools.ts';

export type { HereOptions, RanHere, Visit } from './runs/index.ts';

/**
 * Runs the definition of an existing task on this machine, in the engine and the work directory of these options. The queue
 * is only read; the credentials are those that the task's proxy and its mounts use.
 */
export const runTaskHere = async (
  options: WorkerOptions,
  taskId: string,
  here: HereOptions,
): Promise<RanHere> => {
  const { rootUrl, log = silentLog } = options;
  const clock = systemClock;
  const credentials = credentialsOf(options);
  const task = (await new Queue({ rootUrl, credentials, retries: 3 }).task(taskId)) as HeldClaim['task'];
  const { tools, close } = await openTools(options, { clock, log });
  try {
    return await runHere(tools, localClaim(taskId, task, { rootUrl, clock, credentials }), here);
  } finally {
    await close();
  }
};
