import { ApiError, type Queue } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';
import { failedIn, mayRunAgain, repeatTasks } from '../repeat.ts';
import { sayRepeated } from '../task/rerun.ts';

/** Reruns failed tasks by one request. Other servers have no such method and get one request for each task. */
const rerunFailed = async (queue: Queue, taskGroupId: string, taskIds: readonly string[]): Promise<void> => {
  try {
    await queue.rerunTaskGroup(taskGroupId);
  } catch (error) {
    if (!(error instanceof ApiError) || error.statusCode !== 404) throw error;
    for (const taskId of taskIds) await queue.rerunTask(taskId);
  }
};

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
