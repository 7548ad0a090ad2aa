import { ApiError, type ListPendingTasksResponse, type Queue } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';
import { requireQueue } from '../known-names.ts';
import { allItems } from '../listings.ts';
import { type Priority, priorityArgument } from '../priorities.ts';
import { shownTime } from '../times.ts';

type Waiting = ListPendingTasksResponse['tasks'][number];

interface Filters {
  readonly owner?: string;
  readonly source?: string;
  readonly name?: string;
  readonly group?: string;
  readonly route?: string;
  readonly tag?: string;
}

const withFilters = (command: Command): Command =>
  command
    .option('--owner <email>', 'tasks of this owner')
    .option('--source <text>', 'tasks whose source contains this, such as a repository or a commit')
    .option('--name <text>', 'tasks whose name contains this')
    .option('--group <taskGroupId>', 'tasks of this group')
    .option('--route <route>', 'tasks with this route')
    .option('--tag <key=value>', 'tasks with this tag');

const hasFilter = ({ owner, source, name, group, route, tag }: Filters): boolean =>
  [owner, source, name, group, route, tag].some((filter) => filter !== undefined);

const contains = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase());

/** Whether a task passes all of the filters that are given. */
const fits = ({ task }: Waiting, { owner, source, name, group, route, tag }: Filters): boolean => {
  const { metadata, taskGroupId, routes = [], tags = {} } = task;
  return (
    (owner === undefined || metadata.owner === owner) &&
    (source === undefined || contains(metadata.source, source)) &&
    (name === undefined || contains(metadata.name, name)) &&
    (group === undefined || taskGroupId === group) &&
    (route === undefined || routes.includes(route)) &&
    (tag === undefined || Object.entries(tags).some((one) => one.join('=') === tag))
  );
};

/** The tasks that wait in a queue and pass the filters, the oldest first. */
const readWaiting = async (queue: Queue, taskQueueId: string, filters: Filters): Promise<Waiting[]> => {
  const found = await allItems(
    (query) => queue.listPendingTasks(taskQueueId, query),
    (page) => page.tasks,
  );
  if (found.length === 0) await requireQueue(queue, taskQueueId);
  return found.filter((one) => fits(one, filters));
};

/** `taskyard queue pending <taskQueueId>` */
export const pendingCommand = (io: Io): Command =>
  withFilters(connectedCommand('pending'))
    .description(
      'List the tasks that wait in a queue, the oldest first: all, or those that pass all filters.',
    )
    .argument('<taskQueueId>')
    .action(async (taskQueueId: string, options: ConnectedOptions & Filters) => {
      const found = await readWaiting(queueOf(io, options), taskQueueId, options);
      if (options.json) return sayJson(io, found);
      const rows = found.map(({ taskId, inserted, task }) => [
        taskId,
        shownTime(io, inserted),
        task.priority ?? '',
        harmless(task.metadata.name),
      ]);
      for (const line of columns(rows)) say(io, line);
    });

interface ChangeOptions extends ConnectedOptions, Filters {
  readonly all?: boolean;
}

const callsAtOnce = 16;

/** What became of the tasks: the ids of those that changed, and of those that had ended meanwhile. */
interface Changed {
  readonly changed: readonly string[];
  readonly ended: readonly string[];
}

/** Whether the call succeeded: not if its task has ended. */
const hasChanged = async (call: Promise<unknown>): Promise<boolean> => {
  try {
    await call;
    return true;
  } catch (error) {
    if (!(error instanceof ApiError) || error.statusCode !== 409) throw error;
    return false;
  }
};

/** Changes tasks, some at a time. One that has ended meanwhile is no failure; any other failure ends it. */
const changeEach = async (
  tasks: readonly Waiting[],
  change: (taskId: string) => Promise<unknown>,
): Promise<Changed> => {
  const changed: string[] = [];
  const ended: string[] = [];
  for (let i = 0; i < tasks.length; i += callsAtOnce) {
    const some = tasks.slice(i, i + callsAtOnce);
    const haveChanged = await Promise.all(some.map(({ taskId }) => hasChanged(change(taskId))));
    for (const [j, { taskId }] of some.entries()) (haveChanged[j] ? changed : ended).push(taskId);
  }
  return { changed, ended };
};

const withChoice = (command: Command): Command =>
  withFilters(command).option('--all', 'all tasks that wait in the queue');

/** Changes what waits in a queue, if the caller has said which of it. */
const changeWaiting = async (
  io: Io,
  {
    taskQueueId,
    options,
    done,
    change,
  }: {
    readonly taskQueueId: string;
    readonly options: ChangeOptions;
    /** What is said of the tasks that changed, after their number. */
    readonly done: string;
    readonly change: (queue: Queue, taskId: string) => Promise<unknown>;
  },
): Promise<void> => {
  if (!options.all && !hasFilter(options))
    throw new CommandError(exitCodes.usage, 'Which tasks? Give a filter, or --all for all that wait.');
  const queue = queueOf(io, options);
  const tasks = await readWaiting(queue, taskQueueId, options);
  const answer = await changeEach(tasks, (taskId) => change(queue, taskId));
  if (options.json) return sayJson(io, answer);
  const { changed, ended } = answer;
  say(io, `${changed.length} of ${tasks.length} waiting tasks ${done}`);
  if (ended.length > 0) say(io, `${ended.length} had ended meanwhile`);
};

/** `taskyard queue priority <taskQueueId> <priority>` */
export const priorityCommand = (io: Io): Command =>
  withChoice(connectedCommand('priority'))
    .description('Give tasks that wait in a queue another priority: those that pass all filters.')
    .argument('<taskQueueId>')
    .addArgument(priorityArgument())
    .action((taskQueueId: string, newPriority: Priority, options: ChangeOptions) =>
      changeWaiting(io, {
        taskQueueId,
        options,
        done: `have the priority ${newPriority} now`,
        change: (queue, taskId) => queue.changeTaskPriority(taskId, { newPriority }),
      }),
    );

/** `taskyard queue cancel <taskQueueId>` */
export const cancelCommand = (io: Io): Command =>
  withChoice(connectedCommand('cancel'))
    .description('Cancel tasks that wait in a queue: those that pass all filters.')
    .argument('<taskQueueId>')
    .action((taskQueueId: string, options: ChangeOptions) =>
      changeWaiting(io, {
        taskQueueId,
        options,
        done: 'canceled',
        change: (queue, taskId) => queue.cancelTask(taskId),
      }),
    );
