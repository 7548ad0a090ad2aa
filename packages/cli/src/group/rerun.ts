import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';
import { listGroup } from '../listings.ts';

/** `taskyard group rerun <taskGroupId>` */
export const rerunCommand = (io: Io): Command =>
  connectedCommand('rerun')
    .description('Run again what failed in a group; what waits for it follows by itself.')
    .argument('<taskGroupId>')
    .action(async (taskGroupId: string, options: ConnectedOptions) => {
      const queue = queueOf(io, options);
      const all = await listGroup(queue, taskGroupId);
      const failed = all.filter(({ status }) => ['failed', 'exception'].includes(status.state));
      for (const { status } of failed) await queue.rerunTask(status.taskId);
      if (options.json) return sayJson(io, { taskIds: failed.map(({ status }) => status.taskId) });
      if (failed.length === 0) say(io, 'Nothing in this group failed.');
      const rows = failed.map(({ status, task }) => [status.taskId, harmless(task.metadata.name)]);
      for (const line of columns(rows)) say(io, line);
    });
