import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { columns, harmless, type Io, paintFor, say, sayJson } from '../io.ts';
import { listGroup } from '../listings.ts';
import { paintState } from '../paint-state.ts';

/** `taskyard group list <taskGroupId>` */
export const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List the tasks of a group.')
    .argument('<taskGroupId>')
    .action(async (taskGroupId: string, options: ConnectedOptions) => {
      const found = await listGroup(queueOf(io, options), taskGroupId);
      if (options.json) return sayJson(io, found);
      const paint = paintFor(io, io.stdout);
      const rows = found.map(({ status, task }) => [
        status.taskId,
        paintState(paint, status.state),
        harmless(task.metadata.name),
      ]);
      for (const line of columns(rows)) say(io, line);
    });
