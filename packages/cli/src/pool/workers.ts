import { WorkerManager } from '@taskyard/client';
import { type Command, Option } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { columns, type Io, say, sayJson } from '../io.ts';
import { allItems } from '../listings.ts';
import { utcText } from '../times.ts';

const states = ['requested', 'running', 'stopping', 'stopped'] as const;

interface WorkersOptions extends ConnectedOptions {
  readonly state?: (typeof states)[number];
}

/** `taskyard pool workers <workerPoolId>` */
export const workersCommand = (io: Io): Command =>
  connectedCommand('workers')
    .description('List the workers of a worker pool that have not stopped, or those of a state.')
    .argument('<workerPoolId>')
    .addOption(new Option('--state <state>', 'only those of this state').choices(states))
    .action(async (workerPoolId: string, options: WorkersOptions) => {
      const manager = new WorkerManager({ ...serverOf(io, options), retries: 3 });
      const { state } = options;
      const found = await allItems(
        (page) => manager.listWorkersForWorkerPool(workerPoolId, { ...page, ...(state ? { state } : {}) }),
        ({ workers }) => workers,
      );
      const workers = state ? found : found.filter((worker) => worker.state !== 'stopped');
      if (options.json) return sayJson(io, workers);
      const head = ['worker', 'state', 'places', 'launch config', 'provider', 'created', 'looked at'];
      const rows = workers.map((worker) => [
        `${worker.workerGroup}/${worker.workerId}`,
        worker.state,
        String(worker.capacity),
        worker.launchConfigId ?? '-',
        worker.providerId,
        utcText(worker.created),
        utcText(worker.lastChecked),
      ]);
      for (const line of columns([head, ...rows])) say(io, line);
    });
