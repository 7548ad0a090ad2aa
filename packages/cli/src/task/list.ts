import { type Command, Option } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { firstItems, viewsOf } from '../found.ts';
import { wholeNumber } from '../input.ts';
import { columns, harmless, type Io, paintFor, say, sayJson } from '../io.ts';
import { requireQueue } from '../known-names.ts';
import { paintState } from '../paint-state.ts';
import { shownTime, sinceOption } from '../times.ts';

const states = ['unscheduled', 'pending', 'running', 'completed', 'failed', 'exception'];

interface ListOptions extends ConnectedOptions {
  readonly state?: string;
  readonly queue?: string;
  readonly name?: string;
  readonly route?: string;
  readonly tag?: string;
  readonly since?: Date;
  readonly limit: number;
}

/** `taskyard task list` */
export const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('Find tasks of all groups, those of the newest groups first.')
    .addOption(new Option('--state <state>', 'tasks in this state').choices(states))
    .option('--queue <taskQueueId>', 'tasks of this queue')
    .option('--name <text>', 'tasks whose name contains this')
    .option('--route <route>', 'tasks with this route')
    .option('--tag <key=value>', 'tasks with this tag')
    .option(
      '--since <when>',
      'of groups created since a date, or within a time such as "2 days"',
      sinceOption,
    )
    .option('--limit <count>', 'how many tasks at most', wholeNumber, 20)
    .action(async (options: ListOptions) => {
      const { queue: taskQueueId, state, name, route, tag, since, limit } = options;
      const views = viewsOf(io, options);
      const given = { taskQueueId, state, name, route, tag, since: since?.toJSON() };
      const filters = Object.fromEntries(
        Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
      );
      const found = await firstItems(
        limit,
        (query) => views.listTasks({ ...query, ...filters }),
        (page) => page.tasks,
      );
      if (found.length === 0 && taskQueueId !== undefined)
        await requireQueue(queueOf(io, options), taskQueueId, views);
      if (options.json) {
        sayJson(io, found);
        return;
      }
      const paint = paintFor(io, io.stdout);
      const rows = found.map((task) => [
        task.taskId,
        paintState(paint, task.state),
        task.reasonResolved === 'canceled' ? 'canceled' : '',
        shownTime(io, task.at),
        task.taskQueueId,
        harmless(task.name),
      ]);
      for (const line of columns(rows)) say(io, line);
    });
