import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { type Io, say, sayJson } from '../io.ts';
import { type Priority, priorityArgument } from '../priorities.ts';

/** `taskyard group priority <taskGroupId> <priority>` */
export const priorityCommand = (io: Io): Command =>
  connectedCommand('priority')
    .description('Give all tasks of a group that are not resolved another priority.')
    .argument('<taskGroupId>')
    .addArgument(priorityArgument())
    .action(async (taskGroupId: string, newPriority: Priority, options: ConnectedOptions) => {
      const reply = await queueOf(io, options).changeTaskGroupPriority(taskGroupId, { newPriority });
      if (options.json) sayJson(io, reply);
      else say(io, `${reply.tasksAffected} tasks have the priority ${newPriority}`);
    });
