import type { Queue } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { columns, harmless, type Io, remark, say, sayJson } from '../io.ts';
import { groupPage } from '../pages.ts';
import { type RepeatedGroup, repeatTasks, withDownstream } from '../repeat.ts';
import { sayStatus } from './status.ts';

/** Prints new tasks with those that they repeat. */
export const sayRepeated = (io: Io, made: RepeatedGroup, queue: Queue, options: ConnectedOptions): void => {
  if (options.json) {
    sayJson(io, made);
    return;
  }
  const rows = made.tasks.map(({ taskId, name, repeats }) => [taskId, harmless(name), `repeats ${repeats}`]);
  for (const line of columns(rows)) say(io, line);
  remark(io, `New tasks in the group ${groupPage(queue.options.rootUrl, made.taskGroupId)}`);
};

interface RerunOptions extends ConnectedOptions {
  readonly downstream?: true;
}

/** `taskyard task rerun <taskId>` */
export const rerunCommand = (io: Io): Command =>
  connectedCommand('rerun')
    .description('Run a resolved task once more. Past its deadline, a new task repeats it.')
    .argument('<taskId>')
    .option('--downstream', 'repeat it and all that depends on it, as new tasks in a new group')
    .action(async (taskId: string, options: RerunOptions) => {
      const queue = queueOf(io, options);
      if (options.downstream) {
        return sayRepeated(io, await repeatTasks(queue, await withDownstream(queue, taskId)), queue, options);
      }
      const { status } = await queue.status(taskId);
      if (Date.parse(status.deadline) > Date.now()) {
        return sayStatus(io, await queue.rerunTask(taskId), options);
      }
      const task = await queue.task(taskId);
      sayRepeated(io, await repeatTasks(queue, [{ status, task }]), queue, options);
    });
