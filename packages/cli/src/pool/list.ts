import { WorkerManager, type WorkerPoolList } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { columns, type Io, say, sayJson } from '../io.ts';
import { allPages } from '../listings.ts';
import { type Pause, readPauses } from './pauses.ts';

type Pool = WorkerPoolList['workerPools'][number];

const withPause = (pool: Pool, pauses: ReadonlyMap<string, Pause>): Pool & { pause?: Pause } => {
  const pause = pauses.get(pool.workerPoolId ?? '');
  return pause ? { ...pool, pause } : pool;
};

/** `taskyard pool list` */
export const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List the worker pools, and what their workers can run at once.')
    .action(async (options: ConnectedOptions) => {
      const manager = new WorkerManager({ ...serverOf(io, options), retries: 3 });
      const pools: Pool[] = [];
      for await (const page of allPages((query) => manager.listWorkerPools(query)))
        pools.push(...page.workerPools);
      const pauses = await readPauses(manager);
      if (options.json)
        return sayJson(
          io,
          pools.map((pool) => withPause(pool, pauses)),
        );
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
