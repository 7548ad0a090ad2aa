import { ApiError, Queue, WorkerManager } from '@taskyard/client';
import { suggestion } from '@taskyard/taskcluster-yml/mistakes';
import type { ServerAddress } from './config.ts';
import { harmless, type Io, remark } from './io.ts';
import { knownQueues } from './known-names.ts';

const queuesAskedMax = 20;

/** The reply, or false when there is no such thing; true when the server does not let us look, or does not reply. */
const unlessMissing = async (look: Promise<boolean>): Promise<boolean> => {
  try {
    return await look;
  } catch (error) {
    return !(error instanceof ApiError && error.statusCode === 404);
  }
};

/** Whether a worker was seen at a task queue within a day, or a worker pool can start one. */
const isServed = async (server: ServerAddress, taskQueueId: string): Promise<boolean> => {
  const [provisionerId = '', workerType = ''] = taskQueueId.split('/');
  const seen = new Queue(server)
    .listWorkers(provisionerId, workerType, { limit: '1' })
    .then(({ workers }) => workers.length > 0);
  if (await unlessMissing(seen)) return true;
  return unlessMissing(new WorkerManager(server).workerPool(taskQueueId).then(() => true));
};

/** Warns of task queues, of the first 20, that have neither workers nor a worker pool: tasks would wait there. Never fails. */
export const warnOfUnservedQueues = async (
  io: Io,
  server: ServerAddress,
  taskQueueIds: Iterable<string>,
): Promise<void> => {
  const asked = [...new Set(taskQueueIds)].slice(0, queuesAskedMax);
  const served = await Promise.all(asked.map((taskQueueId) => isServed(server, taskQueueId)));
  const unserved = asked.filter((_, at) => !served[at]);
  if (unserved.length === 0) return;
  const known = await knownQueues(new Queue(server)).catch(() => []);
  for (const taskQueueId of unserved) {
    const meant = suggestion(
      taskQueueId,
      known.filter((name) => name !== taskQueueId),
    );
    remark(
      io,
      `Warning: no worker serves ${harmless(taskQueueId)}${meant}: none was seen there within a day, and there is no ` +
        'worker pool of that name.',
    );
  }
};
