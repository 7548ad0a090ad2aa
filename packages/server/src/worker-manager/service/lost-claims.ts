import type { Context } from '../context.ts';
import type { WorkerRef } from '../store/index.ts';

/** Ends the claims of lost workers, so that their runs are retried. */
export const loseClaims = async (
  { queue }: Pick<Context, 'queue'>,
  workers: readonly WorkerRef[],
): Promise<void> => {
  if (workers.length === 0) return;
  await queue.loseWorkers.all(
    workers.map(({ workerPoolId: taskQueueId, workerGroup, workerId }) => ({
      taskQueueId,
      workerGroup,
      workerId,
    })),
  );
};
