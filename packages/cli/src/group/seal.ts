import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { type Io, say, sayJson } from '../io.ts';
import { shownMoment } from '../times.ts';

/** `taskyard group seal <taskGroupId>` */
export const sealCommand = (io: Io): Command =>
  connectedCommand('seal')
    .description('Close a group for further tasks; it stays so.')
    .argument('<taskGroupId>')
    .action(async (taskGroupId: string, options: ConnectedOptions) => {
      const reply = await queueOf(io, options).sealTaskGroup(taskGroupId);
      if (options.json) sayJson(io, reply);
      else say(io, `sealed since ${reply.sealed && shownMoment(io, reply.sealed)}`);
    });
