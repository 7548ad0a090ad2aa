import type { WorkerManager, WorkerPoolPauses } from '@taskyard/client';
import { allPages } from '../listings.ts';

export type Pause = WorkerPoolPauses['pauses'][number];

/** The pauses of worker pools, by the ids of these. */
export const readPauses = async (manager: WorkerManager): Promise<Map<string, Pause>> => {
  const found = new Map<string, Pause>();
  for await (const { pauses } of allPages((query) => manager.listWorkerPoolPauses(query)))
    for (const pause of pauses) found.set(pause.workerPoolId, pause);
  return found;
};
