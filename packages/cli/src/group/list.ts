import type { ListGroupsResponse } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { firstItems, viewsOf } from '../found.ts';
import { wholeNumber } from '../input.ts';
import { columns, harmless, type Io, type Paint, paintFor, say, sayJson } from '../io.ts';
import { listGroup } from '../listings.ts';
import { paintState } from '../paint-state.ts';
import { shownTime, sinceOption } from '../times.ts';

interface ListOptions extends ConnectedOptions {
  readonly failed?: true;
  readonly since?: Date;
  readonly name?: string;
  readonly owner?: string;
  readonly limit: number;
  readonly state?: string;
  readonly search?: string;
  readonly sort?: string;
}

const listTasksOf = async (io: Io, taskGroupId: string, options: ListOptions): Promise<void> => {
  if (options.failed || options.since || options.name !== undefined || options.owner !== undefined) {
    const message =
      'A group was named: --failed, --since, --name and --owner find groups. See "task list" for tasks.';
    throw new CommandError(exitCodes.usage, message);
  }
  if (options.state !== undefined || options.search !== undefined || options.sort !== undefined) {
    await selectTasksOf(io, taskGroupId, options);
    return;
  }
  const found = await listGroup(queueOf(io, options), taskGroupId);
  if (options.json) {
    sayJson(io, found);
    return;
  }
  const paint = paintFor(io, io.stdout);
  const rows = found.map(({ status, task }) => [
    status.taskId,
    paintState(paint, status.state),
    harmless(task.metadata.name),
  ]);
  for (const line of columns(rows)) say(io, line);
};

/** Lists the tasks that the server finds, which reads no others. */
const selectTasksOf = async (io: Io, taskGroupId: string, options: ListOptions): Promise<void> => {
  const { state, search, sort, limit } = options;
  const views = viewsOf(io, options);
  const filter = {
    ...(state === undefined ? {} : { state }),
    ...(search === undefined ? {} : { search }),
  };
  const [{ fitting, total }, found] = await Promise.all([
    views.countGroupLines(taskGroupId, filter),
    firstItems(
      limit,
      (query) =>
        views.selectGroupLines(taskGroupId, { ...query, ...filter, ...(sort === undefined ? {} : { sort }) }),
      (page) => page.tasks,
    ),
  ]);
  if (options.json) {
    sayJson(io, { total, fitting, tasks: found });
    return;
  }
  const paint = paintFor(io, io.stdout);
  const rows = found.map(({ taskId, state: its, name }) => [taskId, paintState(paint, its), harmless(name)]);
  for (const line of columns(rows)) say(io, line);
  say(io, `${fitting} of ${total} tasks fit${found.length < fitting ? `, ${found.length} are listed` : ''}`);
};

type FoundGroup = ListGroupsResponse['groups'][number];

const countsText = ({ counts }: FoundGroup, paint: Paint): string =>
  Object.entries(counts)
    .map(([state, count]) => `${count} ${paintState(paint, state)}`)
    .join(', ');

const refuseWithoutGroup = ({ state, search, sort }: ListOptions): void => {
  if (state === undefined && search === undefined && sort === undefined) return;
  const message =
    'No group was named: --state, --search and --sort are about the tasks of one group. See "task list" for tasks of all.';
  throw new CommandError(exitCodes.usage, message);
};

const listGroups = async (io: Io, options: ListOptions): Promise<void> => {
  refuseWithoutGroup(options);
  const { failed, since, name, owner, limit } = options;
  const views = viewsOf(io, options);
  const filters = {
    ...(failed ? { failed: 'true' } : {}),
    ...(since ? { since: since.toJSON() } : {}),
    ...(name === undefined ? {} : { name }),
    ...(owner === undefined ? {} : { owner }),
  };
  const found = await firstItems(
    limit,
    (query) => views.listGroups({ ...query, ...filters }),
    (page) => page.groups,
  );
  if (options.json) {
    sayJson(io, found);
    return;
  }
  const paint = paintFor(io, io.stdout);
  const rows = found.map((group) => [
    group.taskGroupId,
    shownTime(io, group.created),
    harmless(group.name),
    countsText(group, paint),
  ]);
  for (const line of columns(rows)) say(io, line);
};

/** `taskyard group list [taskGroupId]` */
export const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('Find groups, the newest first; or list the tasks of one group.')
    .argument('[taskGroupId]', 'the group whose tasks are listed')
    .option('--failed', 'groups in which a task failed or ended as an exception')
    .option('--since <when>', 'created since a date, or within a time such as "2 days"', sinceOption)
    .option(
      '--name <text>',
      'groups whose name contains this: that of the graph file, else of the first task',
    )
    .option('--owner <text>', 'groups whose first task has this owner')
    .option('--state <states>', 'of one group: tasks in these states, separated by commas')
    .option('--search <words>', 'of one group: tasks with all these words in name, task queue or id')
    .option('--sort <order>', 'of one group: by state, name, queue, started or duration')
    .option('--limit <count>', 'how many groups at most, or tasks that were searched for', wholeNumber, 20)
    .action((taskGroupId: string | undefined, options: ListOptions) =>
      taskGroupId === undefined ? listGroups(io, options) : listTasksOf(io, taskGroupId, options),
    );
