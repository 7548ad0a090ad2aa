import { WorkerManager, type WorkerPoolErrorList } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { wholeNumber } from '../input.ts';
import { harmless, type Io, say, sayJson } from '../io.ts';
import { utcText } from '../times.ts';

interface ErrorsOptions extends ConnectedOptions {
  readonly limit: number;
  readonly launchConfig?: string;
}

type PoolError = WorkerPoolErrorList['workerPoolErrors'][number];

/** One error of a pool, for people: when, where, what, and in the lines below how it came to that. */
export const sayError = (io: Io, error: PoolError): void => {
  const { reported, kind, launchConfigId = '-', title, description } = error;
  say(io, `  ${utcText(reported)}  ${kind}  ${launchConfigId}  ${harmless(title)}`);
  say(io, `    ${harmless(description).replaceAll('\n', '\n    ')}`);
};

/** `taskyard pool errors <workerPoolId>` */
export const errorsCommand = (io: Io): Command =>
  connectedCommand('errors')
    .description('List what went wrong in a worker pool in the last seven days, the latest first.')
    .argument('<workerPoolId>')
    .option('--limit <count>', 'how many are shown', wholeNumber, 20)
    .option('--launch-config <id>', 'only those of a launch config')
    .action(async (workerPoolId: string, options: ErrorsOptions) => {
      const manager = new WorkerManager({ ...serverOf(io, options), retries: 3 });
      const { limit, launchConfig: launchConfigId } = options;
      const query = { limit, ...(launchConfigId === undefined ? {} : { launchConfigId }) };
      const [{ workerPoolErrors: errors }, { totals }] = await Promise.all([
        manager.listWorkerPoolErrors(workerPoolId, query),
        manager.workerPoolErrorStats({ workerPoolId }),
      ]);
      if (options.json) return sayJson(io, { errors, totals });
      const codes = Object.entries(totals.code).map(([code, count]) => `${count} × ${code}`);
      say(io, `${totals.total} in seven days${codes.length > 0 ? `: ${codes.join(', ')}` : ''}`);
      for (const error of errors) sayError(io, error);
    });
