import { ApiError, ConnectionError, Queue, type TaskClaimResponse } from '@taskyard/client';
import { type Clock, seconds } from './clock.ts';
import { mayLeave } from './ends.ts';
import type { ExitReason } from './exit-reason.ts';
import { Idleness } from './idleness.ts';
import { backOffMs } from './retry.ts';
import type { Slots } from './slots.ts';
import { messageOf, type WorkerLog } from './worker-log.ts';
import { credentialsOf, type WorkerOptions } from './worker-options.ts';

// A server that replies to an empty poll at once would otherwise be asked without a pause.
const emptyPollMsMin = 500;

// How soon a full disk is checked again.
const fullDiskPauseMs = seconds(10);

export interface Claiming {
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly slots: Slots;
  /** Whether the worker may take another task: the disk has space, which is freed if possible. */
  readonly makeRoom: () => Promise<boolean>;
  /** Begins a claimed task, which was asked for at this time. */
  readonly begin: (claimed: TaskClaimResponse, askedAt: Date) => void;
  /** Aborts when no other poll may begin. */
  readonly stop: AbortSignal;
  /** Aborts the current poll. */
  readonly hangUp: AbortSignal;
}

/** Asks for as many tasks as there are free slots, one poll at a time, until told to stop or idle for too long. */
export const claimTasks = async (options: WorkerOptions, claiming: Claiming): Promise<ExitReason> => {
  const { clock, log, slots, begin, stop } = claiming;
  const stopped = aborted(stop);
  const idleness = new Idleness(seconds(options.idleTimeoutSeconds ?? Infinity), { clock, slots });
  let failures = 0;
  let hasReached = false;
  while (!stop.aborted) {
    if (slots.free <= 0) {
      await Promise.race([slots.changed(), stopped]);
      continue;
    }
    const askedAt = clock.now();
    try {
      const hasRoom = await claiming.makeRoom();
      const claimed = hasRoom ? await poll(options, claiming) : [];
      failures = 0;
      hasReached ||= hasRoom;
      for (const one of claimed) begin(one, askedAt);
      if (claimed.length > 0) idleness.interrupt();
      if (!hasRoom) await clock.sleep(fullDiskPauseMs, stop);
      else if (claimed.length === 0 && clock.now().getTime() - askedAt.getTime() < emptyPollMsMin)
        await clock.sleep(emptyPollMsMin, stop);
    } catch (error) {
      if (stop.aborted) break;
      if (!hasReached) refuseToGoOn(error, options, failures);
      log.warn({ error: messageOf(error) }, 'no work could be claimed');
      await clock.sleep(backOffMs(failures++, { firstDelayMs: 500, delayMaxMs: 30_000 }), stop);
    }
    // Also while the server is away: a machine without work costs the same.
    if (stop.aborted || !idleness.isOver()) continue;
    const reason = await mayLeave(options, log);
    if (reason) return reason;
    idleness.restart();
  }
  return 'stopped';
};

// About half a minute: a server that starts together with its workers is ready by then.
const unreachedTriesMax = 6;

/** Throws a sentence when a worker has never been able to claim and waiting would not help. */
const refuseToGoOn = (
  error: unknown,
  { rootUrl, taskQueueId }: Pick<WorkerOptions, 'rootUrl' | 'taskQueueId'>,
  failures: number,
): void => {
  const [cause = ''] = messageOf(error).split('\n');
  if (error instanceof ApiError && error.statusCode >= 400 && error.statusCode < 500) {
    if (error.statusCode === 408 || error.statusCode === 429) return;
    throw new Error(`${rootUrl} lets this worker claim no tasks of ${taskQueueId}: ${cause} (${error.code})`);
  }
  // A reply of 5xx may come from a starting server, or from another program.
  const mayBeNone = error instanceof ConnectionError || error instanceof ApiError;
  if (mayBeNone && failures >= unreachedTriesMax - 1) {
    throw new Error(`No server was reached at ${rootUrl} in ${unreachedTriesMax} attempts: ${cause}`);
  }
};

// What the queue hands out at once.
const claimsMax = 32;

const poll = async (
  options: WorkerOptions,
  { slots, hangUp }: Claiming,
): Promise<readonly TaskClaimResponse[]> => {
  const { rootUrl, taskQueueId, workerGroup, workerId } = options;
  const queue = new Queue({ rootUrl, credentials: credentialsOf(options), retries: 0 });
  const body = { workerGroup, workerId, tasks: Math.min(slots.free, claimsMax) };
  const { tasks } = await queue.claimWork(taskQueueId, body, { signal: hangUp });
  return tasks;
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
