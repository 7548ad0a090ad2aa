import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import type { Io } from '../io.ts';
import { sayStatus } from './status.ts';

/** `taskyard task rerun <taskId>` */
export const rerunCommand = (io: Io): Command =>
  connectedCommand('rerun')
    .description('Run a resolved task once more.')
    .argument('<taskId>')
    .action(async (taskId: string, options: ConnectedOptions) => {
      sayStatus(io, await queueOf(io, options).rerunTask(taskId), options);
    });
