import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { applyListed } from '../follow/follow-group.ts';
import { GroupState, isFailed, reasonOf, stateOf } from '../follow/group-state.ts';
import { columns, harmless, type Io, paintFor, say, sayJson } from '../io.ts';
import { listGroup } from '../listings.ts';
import { groupPage } from '../pages.ts';
import { paintState } from '../paint-state.ts';
import { shownMoment } from '../times.ts';

/** `taskyard group status <taskGroupId>` */
export const statusCommand = (io: Io): Command =>
  connectedCommand('status')
    .description('Count the tasks of a group by state, and name those that failed.')
    .argument('<taskGroupId>')
    .action(async (taskGroupId: string, options: ConnectedOptions) => {
      const queue = queueOf(io, options);
      const group = new GroupState();
      const { sealed } = await queue.getTaskGroup(taskGroupId);
      for (const listed of await listGroup(queue, taskGroupId)) applyListed(group, listed);
      const failed = group.tasks.filter(isFailed).map((task) => ({
        taskId: task.taskId,
        label: task.label,
        state: reasonOf(task) ?? stateOf(task),
      }));
      const { size, counts, isSettled } = group;
      if (options.json) return sayJson(io, { taskGroupId, size, counts, isSettled, sealed, failed });
      const paint = paintFor(io, io.stdout);
      const facts = [
        ['group', taskGroupId],
        ['tasks', String(size)],
        ...Object.entries(counts)
          .filter(([, count]) => count > 0)
          .map(([state, count]) => [paintState(paint, state), String(count)]),
        ...(sealed ? [['sealed', shownMoment(io, sealed)]] : []),
        ['page', groupPage(queue.options.rootUrl, taskGroupId)],
      ];
      const causes = failed.map(({ taskId, label, state }) => [taskId, state, harmless(label)]);
      say(io, [...columns(facts), ...columns(causes)].join('\n'));
    });
