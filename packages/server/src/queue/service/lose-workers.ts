import { RequestError, type Verb } from '../../base/index.ts';
import { changeTasks } from '../changes/apply.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import * as store from '../store/index.ts';

/** A worker that is gone. Its name is unique only in its task queue. */
export type LostWorker = lifecycle.WorkerRef & { readonly taskQueueId: string };

const nameOf = ({ taskQueueId, workerGroup, workerId }: LostWorker): string =>
  JSON.stringify([taskQueueId, workerGroup, workerId]);

/** Ends the runs of lost workers so that they are retried; returns how many each of them had. */
export const loseWorkers: Verb<LostWorker, number, Context> = async (tx, workers, work) => {
  const held = await store.claimsOfWorkers(tx, workers);
  const attempts = held.map(({ taskId, runId, workerGroup, workerId }) => ({
    taskId,
    decide: (task: TaskRecord) => lifecycle.loseWorker(task, runId, { workerGroup, workerId }, work.now),
  }));
  const answers = await changeTasks(tx, attempts, work);
  const counts = new Map<string, number>();
  for (const [i, claim] of held.entries()) {
    if (answers[i] instanceof RequestError) continue;
    counts.set(nameOf(claim), (counts.get(nameOf(claim)) ?? 0) + 1);
  }
  return workers.map((worker) => counts.get(nameOf(worker)) ?? 0);
};
