import { WorkerManager } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { columns, type Io, say, sayJson } from '../io.ts';
import { utcText } from '../times.ts';

/** `taskyard pool usage <pool>` */
export const usageCommand = (io: Io): Command =>
  connectedCommand('usage')
    .description('Show the workers of a pool, how many were idle, and their price, over the last week.')
    .argument('<workerPoolId>', 'like local/built-in')
    .action(async (workerPoolId: string, options: ConnectedOptions) => {
      const manager = new WorkerManager({ ...serverOf(io, options), retries: 3 });
      const found = await manager.workerPoolSamples(workerPoolId);
      if (options.json) {
        sayJson(io, found);
        return;
      }
      const rows = found.samples.map(({ begins, workers, running, idle, usdPerHour }) => [
        utcText(begins),
        workers.toFixed(1),
        running.toFixed(1),
        idle.toFixed(1),
        usdPerHour === undefined ? 'not known' : usdPerHour.toFixed(3),
      ]);
      const head = ['from', 'workers', 'running', 'idle', 'USD/h'];
      for (const line of columns([head, ...rows])) say(io, line);
    });
