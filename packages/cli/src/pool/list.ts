import { WorkerManager, type WorkerPoolList } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { columns, type Io, say, sayJson } from '../io.ts';
import { allPages } from '../listings.ts';
import { readPauses } from './pauses.ts';

/** `taskyard pool list` */
export const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List the worker pools, and what their workers can run at once.')
    .action(async (options: ConnectedOptions) => {
      const manager = new WorkerManager({ ...serverOf(io, options), retries: 3 });
      const pools: WorkerPoolList['workerPools'] = [];
      for await (const page of allPages((query) => manager.listWorkerPools(query)))
        pools.push(...page.workerPools);
      if (options.json) return sayJson(io, pools);
      const pauses = await readPauses(manager);
      const head = ['pool', 'provider', 'requested', 'running', 'stopping', 'of at most', ''];
      const rows = pools.map((pool) => [
        pool.workerPoolId ?? '',
        pool.providerId,
        String(pool.requestedCapacity),
        String(pool.runningCapacity),
        String(pool.stoppingCapacity),
        String((pool.config as { maxCapacity?: number }).maxCapacity ?? '-'),
        pauses.has(pool.workerPoolId ?? '') ? 'paused' : '',
      ]);
      for (const line of columns([head, ...rows])) say(io, line);
    });
