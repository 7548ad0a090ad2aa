import type { Context } from '../context.ts';
import type { WorkerRef } from '../store/index.ts';

/** Ends the claims of lost workers, so that their runs are retried. */
export const loseClaims = async (
  { queue }: Pick<Context, 'queue'>,
  workers: readonly WorkerRef[],
): Promise<void> => {
  for (const { workerPoolId: taskQueueId, workerGroup, workerId } of workers) {
    await queue.loseWorker({ taskQueueId, workerGroup, workerId });
  }
};
