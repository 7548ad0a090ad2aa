import { type Clock, seconds } from './clock.ts';
import type { ExitReason } from './exit-reason.ts';
import { followNotices, type Notice } from './registration/index.ts';
import { messageOf, type WorkerLog } from './worker-log.ts';
import type { WorkerOptions } from './worker-options.ts';

export interface Stopping {
  /** The time that running tasks get. Infinity: until they end. */
  readonly graceSeconds?: number;
  readonly reason?: ExitReason;
}

// Of the two minutes between a notice and the end of the machine: for logs, and for reporting that the worker ends.
const reserveSeconds = 30;

/** Stops a worker when its time, its machine or its membership ends. Returns a function that ends the watch. */
export const watchForEnds = (
  { lifetimeSecondsMax, membership, notices, killGraceSeconds = 10 }: WorkerOptions,
  { clock, log, stop: begin }: { clock: Clock; log: WorkerLog; stop(how: Stopping): void },
): (() => void) => {
  const over = new AbortController();
  let isEnding = false;
  const stop = (how: Stopping): void => {
    if (!isEnding) sayThatItDrains(membership, log);
    isEnding = true;
    begin(how);
  };
  const cancelLifetime =
    lifetimeSecondsMax === undefined
      ? undefined
      : clock.after(seconds(lifetimeSecondsMax), () => stop({ graceSeconds: Infinity, reason: 'lifetime' }));
  // Tasks have credentials of their own, and need not end with the worker's.
  const expire = (): void => stop({ graceSeconds: Infinity, reason: 'expired' });
  membership?.lost.addEventListener('abort', expire, { signal: over.signal });
  const heed = (notice: Notice): void => {
    log.warn({ ...notice }, 'the cloud takes this machine back');
    const leftSeconds =
      notice.kind === 'rebalance' ? Infinity : (notice.at.getTime() - clock.now().getTime()) / 1000;
    const graceSeconds = Math.max(leftSeconds - killGraceSeconds - reserveSeconds, 0);
    stop({ graceSeconds, reason: 'interrupted' });
  };
  if (notices) followNotices(notices, { clock, log, signal: over.signal, tell: heed });
  return () => {
    over.abort();
    cancelLifetime?.();
  };
};

/** Others are to be started for what waits, though this worker still runs a task. */
const sayThatItDrains = (membership: WorkerOptions['membership'], log: WorkerLog): void => {
  membership?.drain().catch((error) => {
    log.warn(
      { error: messageOf(error) },
      'worker-manager could not be told that the worker takes no more tasks',
    );
  });
};

/** Whether an idle worker may end; a member of a pool may only if worker-manager agrees. */
export const mayLeave = async (
  { membership }: WorkerOptions,
  log: WorkerLog,
): Promise<'idle' | 'terminated' | undefined> => {
  if (!membership) return 'idle';
  try {
    const { terminate, reason } = await membership.shouldTerminate();
    if (terminate) log.info({ reason }, 'worker-manager wants the worker to go');
    return terminate ? 'terminated' : undefined;
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'worker-manager does not say whether the worker should go');
    return undefined;
  }
};
