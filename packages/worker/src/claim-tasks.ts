import { Queue, type TaskClaimResponse } from '@taskyard/client';
import { type Clock, seconds } from './clock.ts';
import { backOffMs } from './retry.ts';
import { messageOf, type WorkerLog } from './worker-log.ts';
import type { WorkerOptions } from './worker-options.ts';

/** Why a worker has ended: it was told to, or had nothing to do for long enough. */
export type ExitReason = 'stopped' | 'idle';

/** The tasks that a worker runs at the moment, by task and run. */
export interface Slots {
  readonly capacity: number;
  readonly running: Map<string, { taskId: string; runId: number; done: Promise<void> }>;
}

// A server that answers an empty poll at once would otherwise be asked without a pause.
const emptyPollMsMin = 500;

export interface Claiming {
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly slots: Slots;
  readonly begin: (claimed: TaskClaimResponse) => void;
  /** Begin no other poll. */
  readonly stop: AbortSignal;
  /** Break off the poll that is out. */
  readonly hangUp: AbortSignal;
}

/** Asks for as many tasks as there are free slots, one poll at a time, until told to stop or idle for too long. */
export const claimTasks = async (options: WorkerOptions, claiming: Claiming): Promise<ExitReason> => {
  const { clock, log, slots, begin, stop, hangUp } = claiming;
  const { rootUrl, credentials, taskQueueId, workerGroup, workerId, idleTimeoutSeconds = Infinity } = options;
  const queue = new Queue({ rootUrl, credentials, retries: 0 });
  const stopped = aborted(stop);
  let idleSince = clock.now().getTime();
  let failures = 0;
  while (!stop.aborted) {
    const free = slots.capacity - slots.running.size;
    if (free === 0) {
      await Promise.race([...[...slots.running.values()].map(({ done }) => done), stopped]);
      continue;
    }
    const askedAt = clock.now().getTime();
    try {
      const body = { workerGroup, workerId, tasks: free };
      const { tasks } = await queue.claimWork(taskQueueId, body, { signal: hangUp });
      failures = 0;
      for (const claimed of tasks) begin(claimed);
      const now = clock.now().getTime();
      if (slots.running.size > 0) idleSince = now;
      else if (now - idleSince >= seconds(idleTimeoutSeconds)) return 'idle';
      if (tasks.length === 0 && now - askedAt < emptyPollMsMin) await clock.sleep(emptyPollMsMin, stop);
    } catch (error) {
      if (stop.aborted) break;
      log.warn({ error: messageOf(error) }, 'no work could be claimed');
      await clock.sleep(backOffMs(failures++, { firstDelayMs: 500, delayMaxMs: 30_000 }), stop);
    }
  }
  return 'stopped';
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
