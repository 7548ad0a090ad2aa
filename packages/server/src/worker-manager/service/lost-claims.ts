import type { WorkerRef } from '../store/index.ts';
import type { Room } from './room.ts';

/** Gives others what some workers had claimed. */
export const loseClaims = async (
  { queue }: Pick<Room, 'queue'>,
  workers: readonly WorkerRef[],
): Promise<void> => {
  for (const { workerPoolId: taskQueueId, workerGroup, workerId } of workers) {
    await queue.loseWorker({ taskQueueId, workerGroup, workerId });
  }
};
