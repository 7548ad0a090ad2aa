import { WorkerManager } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { type Io, say, sayJson } from '../io.ts';

interface PauseOptions extends ConnectedOptions {
  readonly reason?: string;
}

/** `taskyard pool pause <workerPoolId>` */
export const pauseCommand = (io: Io): Command =>
  connectedCommand('pause')
    .description('Start nothing new for a worker pool until it is resumed; its workers go on.')
    .argument('<workerPoolId>')
    .option('--reason <text>', 'why, for those who ask what the pool waits for')
    .action(async (workerPoolId: string, options: PauseOptions) => {
      const { reason } = options;
      const manager = new WorkerManager({ ...serverOf(io, options), retries: 3 });
      const pool = await manager.pauseWorkerPool(workerPoolId, reason === undefined ? {} : { reason });
      if (options.json) sayJson(io, pool);
      else say(io, `${workerPoolId} is paused: nothing new is started until "pool resume"`);
    });

/** `taskyard pool resume <workerPoolId>` */
export const resumeCommand = (io: Io): Command =>
  connectedCommand('resume')
    .description('Start workers for a paused worker pool again.')
    .argument('<workerPoolId>')
    .action(async (workerPoolId: string, options: ConnectedOptions) => {
      const manager = new WorkerManager({ ...serverOf(io, options), retries: 3 });
      const pool = await manager.resumeWorkerPool(workerPoolId);
      if (options.json) sayJson(io, pool);
      else say(io, `${workerPoolId} starts workers again as it needs them`);
    });
