import type { Command } from 'commander';
import { stringify } from 'yaml';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { harmless, type Io, say, sayJson } from '../io.ts';

/** `taskyard task def <taskId>` */
export const defCommand = (io: Io): Command =>
  connectedCommand('def')
    .description('Show the definition of a task.')
    .argument('<taskId>')
    .action(async (taskId: string, options: ConnectedOptions) => {
      const task = await queueOf(io, options).task(taskId);
      if (options.json) sayJson(io, task);
      else say(io, harmless(stringify(task)).trimEnd());
    });
