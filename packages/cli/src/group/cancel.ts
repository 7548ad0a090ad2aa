import type { Queue } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { type Io, say, sayJson } from '../io.ts';

/** Seals a group and then cancels its unresolved tasks, since an unsealed group could grow meanwhile. */
export const cancelGroup = async (queue: Queue, taskGroupId: string) => {
  await queue.sealTaskGroup(taskGroupId);
  return queue.cancelTaskGroup(taskGroupId);
};

/** `taskyard group cancel <taskGroupId>` */
export const cancelCommand = (io: Io): Command =>
  connectedCommand('cancel')
    .description('Close a group for further tasks, and cancel those that are unresolved.')
    .argument('<taskGroupId>')
    .action(async (taskGroupId: string, options: ConnectedOptions) => {
      const reply = await cancelGroup(queueOf(io, options), taskGroupId);
      if (options.json) sayJson(io, reply);
      else say(io, `${reply.cancelledCount} of ${reply.taskGroupSize} tasks canceled`);
    });
