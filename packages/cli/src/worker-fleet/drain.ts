import { ApiError, WorkerManager } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { harmless, type Io, say, sayJson } from '../io.ts';
import { unknownName } from '../known-names.ts';
import { allItems } from '../listings.ts';
import { workerNamed } from './names.ts';

/** Suggests a similar worker of the pool when the server does not know this one; a pool that is not there is refused. */
const refuseUnknown = async (manager: WorkerManager, workerPoolId: string, worker: string): Promise<void> => {
  const known = await allItems(
    (page) => manager.listWorkersForWorkerPool(workerPoolId, page),
    ({ workers }) => workers,
  );
  const alive = known.filter(({ state }) => state !== 'stopped');
  const names = alive.map(({ workerGroup, workerId }) => `${workerGroup}/${workerId}`);
  throw unknownName(`worker of ${workerPoolId}`, worker, names);
};

/** `taskyard worker drain <workerPoolId> <group/worker>` */
export const workerDrainCommand = (io: Io): Command =>
  connectedCommand('drain')
    .description('Let a worker of a pool finish what it runs and end; others are started in its place.')
    .argument('<workerPoolId>')
    .argument('<group/worker>')
    .action(async (workerPoolId: string, worker: string, options: ConnectedOptions) => {
      const manager = new WorkerManager({ ...serverOf(io, options), retries: 3 });
      const [workerGroup, workerId] = workerNamed(worker);
      await manager.drainWorker(workerPoolId, workerGroup, workerId).catch(async (error: unknown) => {
        if (error instanceof ApiError && error.statusCode === 404)
          await refuseUnknown(manager, workerPoolId, worker);
        throw error;
      });
      if (options.json) sayJson(io, { workerPoolId, workerGroup, workerId });
      else say(io, `${harmless(worker)} gets no more tasks, and ends with its last`);
    });
