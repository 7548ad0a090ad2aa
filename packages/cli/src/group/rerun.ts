import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';
import { failedIn, mayRunAgain, repeatTasks, rerunFailed } from '../repeat.ts';
import { sayRepeated } from '../task/rerun.ts';

/** `taskyard group rerun <taskGroupId>` */
export const rerunCommand = (io: Io): Command =>
  connectedCommand('rerun')
    .description(
      'Run again what failed in a group, and what depends on it. Where a deadline has passed or dependents have ended, ' +
        'new tasks in a new group repeat them.',
    )
    .argument('<taskGroupId>')
    .option('--failed', 'what failed, with what depends on it (the default)')
    .action(async (taskGroupId: string, options: ConnectedOptions) => {
      const queue = queueOf(io, options);
      const found = await failedIn(queue, taskGroupId);
      const { failed, dependents } = found;
      if (failed.length > 0 && !mayRunAgain(found)) {
        return sayRepeated(io, await repeatTasks(queue, [...failed, ...dependents]), queue, options);
      }
      const ids = failed.map(({ status }) => status.taskId);
      if (ids.length > 0) await rerunFailed(queue, taskGroupId, ids);
      if (options.json) return sayJson(io, { taskIds: ids });
      if (failed.length === 0) say(io, 'Nothing in this group failed.');
      const rows = failed.map(({ status, task }) => [status.taskId, harmless(task.metadata.name)]);
      for (const line of columns(rows)) say(io, line);
    });
