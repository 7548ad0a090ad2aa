import { Queue } from '@taskyard/client';
import { type Clock, later, minutes } from './clock.ts';
import type { Resolution } from './runs/index.ts';
import { messageOf, type WorkerLog } from './worker-log.ts';
import { credentialsOf, type WorkerOptions } from './worker-options.ts';

/** Keeps tasks from a worker that ends them through faults of its own, one after the other. */
export interface SelfQuarantine {
  /** Whether the worker may claim tasks: it is not in quarantine, and `mayClaim` agrees. */
  unlessQuarantined(mayClaim: () => Promise<boolean>): () => Promise<boolean>;
  /** Takes note of how a run ended. */
  note(run: { readonly taskId: string; readonly runId: number }, resolution: Resolution): void;
}

const faultsMax = 3;
/** A full disk may be emptied, and a store come back: then the worker tries again. */
const lastsMs = minutes(60);

type Fault = Extract<Resolution, { readonly state: 'exception' }>;

const isOwnFault = (resolution: Resolution): resolution is Fault =>
  resolution.state === 'exception' && ['internal-error', 'resource-unavailable'].includes(resolution.reason);

/** Tells the queue, which shows the reason to people. A worker without the scope for that only claims no more. */
const tellQueue = async (options: WorkerOptions, until: Date, reason: string): Promise<void> => {
  const { rootUrl, taskQueueId, workerGroup, workerId } = options;
  const [provisionerId = '', workerType = ''] = taskQueueId.split('/');
  const queue = new Queue({ rootUrl, credentials: credentialsOf(options), retries: 2 });
  const body = { quarantineUntil: until.toJSON(), quarantineInfo: reason };
  await queue.quarantineWorker(provisionerId, workerType, workerGroup, workerId, body);
};

/** Watches over the ends of runs: after three faults of the worker in a row it takes no tasks for an hour. */
export const selfQuarantine = (
  options: WorkerOptions,
  { clock, log }: { clock: Clock; log: WorkerLog },
): SelfQuarantine => {
  let faults: string[] = [];
  let until: Date | undefined;
  const begin = (): void => {
    const reason = `${faults.length} runs in a row ended through faults of this worker: ${faults.join(', ')}`;
    faults = [];
    until = later(clock.now(), lastsMs);
    log.error({ reason, until: until.toJSON() }, 'the worker takes no tasks for an hour');
    const complain = (error: unknown): void =>
      log.warn({ error: messageOf(error) }, 'nobody could be told that the worker takes no tasks');
    tellQueue(options, until, reason).catch(complain);
    options.membership?.reportError('The worker takes no tasks for an hour', reason).catch(complain);
  };
  return {
    unlessQuarantined: (mayClaim) => async () => (until === undefined || clock.now() >= until) && mayClaim(),
    note: ({ taskId, runId }, resolution) => {
      // Tasks name images and mounts on anybody's servers, and three such tasks must not take a worker away from the others.
      if (resolution.state === 'exception' && resolution.lacksInput) return;
      if (!isOwnFault(resolution)) {
        faults = [];
        return;
      }
      faults.push(`${resolution.reason} of ${taskId}/${runId}`);
      if (faults.length >= faultsMax) begin();
    },
  };
};
