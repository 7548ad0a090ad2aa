import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import type { Io } from '../io.ts';
import { type Priority, priorityArgument } from '../priorities.ts';
import { sayStatus } from './status.ts';

/** `taskyard task priority <taskId> <priority>` */
export const priorityCommand = (io: Io): Command =>
  connectedCommand('priority')
    .description('Give a task that has not been resolved another priority.')
    .argument('<taskId>')
    .addArgument(priorityArgument())
    .action(async (taskId: string, newPriority: Priority, options: ConnectedOptions) => {
      const reply = await queueOf(io, options).changeTaskPriority(taskId, { newPriority });
      sayStatus(io, reply, options);
    });
