import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import type { Io } from '../io.ts';
import { sayStatus } from './status.ts';

/** `taskyard task cancel <taskId>` */
export const cancelCommand = (io: Io): Command =>
  connectedCommand('cancel')
    .description('Cancel a task that is not resolved yet.')
    .argument('<taskId>')
    .action(async (taskId: string, options: ConnectedOptions) => {
      sayStatus(io, await queueOf(io, options).cancelTask(taskId), options);
    });
