import { ApiError, type Queue, type TaskExplanation, type Views } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from './connected.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { applyListed } from './follow/follow-group.ts';
import { GroupState } from './follow/group-state.ts';
import { causesOf, gatherFailures, type ReportedFailure } from './follow/report.ts';
import { viewsOf } from './found.ts';
import { columns, harmless, type Io, paintFor, say, sayJson } from './io.ts';
import { type ListedTask, listGroup } from './listings.ts';
import { paintState } from './paint-state.ts';
import { shownTime } from './times.ts';

const logLinesMax = 10;
const queuesMax = 5;

interface Clients {
  readonly queue: Queue;
  readonly views: Views;
}

/** Why a group does not progress, or did not complete. */
interface GroupWhy {
  readonly taskGroupId: string;
  /** The failed tasks that were not canceled, with their logs. */
  readonly failures: readonly ReportedFailure[];
  /** How many tasks were canceled: of a group of more than 20,000 tasks, among the first 5000 exceptions. */
  readonly canceled: number;
  /** For each task queue with waiting tasks of the group, why the first of them waits. */
  readonly waiting: readonly (TaskExplanation & { readonly name: string })[];
  /** The number of tasks that wait for others of the group. */
  readonly unscheduled: number;
}

/** Of a group with more tasks, only those are read that say why. */
const wholeMax = 20_000;
const [causesMax, pendingMax, canceledMax] = [100, 1000, 5000];

/** What is read of a group. */
interface Read {
  readonly tasks: readonly ListedTask[];
  /** How many tasks were canceled. */
  readonly canceled: (failures: number, causes: number) => number;
}

const readWhole = async (queue: Queue, taskGroupId: string): Promise<Read> => ({
  tasks: await listGroup(queue, taskGroupId),
  canceled: (failures, causes) => failures - causes,
});

/** What a large group failed by, and the first of its tasks that wait in each task queue. */
const readPart = async (queue: Queue, views: Views, taskGroupId: string): Promise<Read> => {
  const [{ causes }, pending, exceptions] = await Promise.all([
    views.listFirstCauses(taskGroupId, { limit: causesMax }),
    views.selectGroupLines(taskGroupId, { state: 'pending', limit: pendingMax }),
    views.selectGroupLines(taskGroupId, { state: 'exception', limit: canceledMax }),
  ]);
  const firstOfQueue = new Map(
    [...pending.tasks].reverse().map(({ taskQueueId, taskId }) => [taskQueueId, taskId]),
  );
  const taskIds = [
    ...causes.map(({ task }) => task.taskId),
    ...[...firstOfQueue.values()].slice(0, queuesMax),
  ];
  const canceled = exceptions.tasks.filter(({ reasonResolved }) => reasonResolved === 'canceled').length;
  if (taskIds.length === 0) return { tasks: [], canceled: () => canceled };
  const [{ tasks }, { statuses }] = await Promise.all([
    queue.tasks({ taskIds }),
    queue.statuses({ taskIds }),
  ]);
  const taskOf = new Map(tasks.map(({ taskId, task }) => [taskId, task]));
  const listed = statuses.flatMap(({ taskId, status }) => {
    const task = taskOf.get(taskId);
    return task ? [{ status, task }] : [];
  });
  return { tasks: listed, canceled: () => canceled };
};

const explainGroup = async (
  { queue, views }: Clients,
  taskGroupId: string,
  max: number,
): Promise<GroupWhy> => {
  const { total, counts } = await views.countGroupLines(taskGroupId);
  const { tasks: listed, canceled } =
    total > max ? await readPart(queue, views, taskGroupId) : await readWhole(queue, taskGroupId);
  const group = new GroupState();
  for (const each of listed) applyListed(group, each);
  const failures = await gatherFailures(queue, group);
  const firstOfQueue = new Map(
    listed
      .filter(({ status }) => status.state === 'pending')
      .reverse()
      .map((each) => [each.status.taskQueueId, each]),
  );
  const waiting = [...firstOfQueue.values()].slice(0, queuesMax).map(async ({ status, task }) => ({
    ...(await views.explainTask(status.taskId)),
    name: task.metadata.name,
  }));
  const causes = causesOf(failures);
  return {
    taskGroupId,
    failures: causes,
    canceled: canceled(failures.length, causes.length),
    waiting: await Promise.all(waiting),
    unscheduled: counts.unscheduled ?? 0,
  };
};

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** The first lines of an error, or the last ones of a log without any. */
const failureLines = ({ excerpt }: Pick<ReportedFailure, 'excerpt'>): string[] => {
  if (!excerpt) return [];
  const { lines, isError } = excerpt;
  return (isError ? lines.slice(0, logLinesMax) : lines.slice(-logLinesMax)).map((line) => `  │ ${line}`);
};

const groupLines = (io: Io, { failures, canceled, waiting, unscheduled }: GroupWhy): string[] => {
  const failed = failures.flatMap((failure) => [
    `${harmless(failure.label)}: ${failure.reason ?? failure.state}`,
    ...failureLines(failure),
  ]);
  const pending = waiting.flatMap(({ name, because, line }) => [
    `${harmless(name)}: pending. ${harmless(because)}`,
    ...lineLines(io, line),
  ]);
  const lines = [
    ...failed,
    ...pending,
    ...(unscheduled > 0
      ? [`${counted(unscheduled, 'task waits', 'tasks wait')} for others of the group.`]
      : []),
    ...(canceled > 0 ? [`${counted(canceled, 'task was', 'tasks were')} canceled.`] : []),
  ];
  return lines.length > 0 ? lines : ['Nothing in this group waits, and nothing failed.'];
};

/** The place of a pending task in its queue, and the workers that could claim it. */
const lineLines = (io: Io, line: TaskExplanation['line']): string[] => {
  if (!line) return [];
  const { decision, paused } = line;
  // Servers from before say nothing about it.
  const expected = line.expected as typeof line.expected | undefined;
  return columns([
    ['  queue', line.taskQueueId],
    ['  waits since', shownTime(io, line.since)],
    ['  before it', String(line.before)],
    ...(expected ? [['  starts', expected.says]] : []),
    ['  running', String(line.running)],
    ['  workers', `${line.workersSeen}, ${line.workersQuarantined} of them quarantined`],
    ['  last seen', line.lastSeen ? shownTime(io, line.lastSeen) : 'never'],
    ...(paused
      ? [
          [
            '  paused',
            `since ${shownTime(io, paused.since)}${paused.reason && `: ${harmless(paused.reason)}`}`,
          ],
        ]
      : []),
    ...(decision
      ? [['  provisioner', `${decision.decided}  ${decision.action}: ${harmless(decision.reason)}`]]
      : []),
    ...(decision?.trouble ? [['  trouble', harmless(decision.trouble)]] : []),
  ]);
};

/** The unmet dependencies of an unscheduled task, by name. */
const unmetLines = ({ taskId: own, unmet, unmetCount }: TaskExplanation): string[] => {
  const rows = unmet.map(({ taskId, state, name }) => [
    `  waits for ${taskId === own ? 'itself' : harmless(name)}`,
    state,
    taskId,
  ]);
  const others = unmetCount - unmet.length;
  return [...columns(rows), ...(others > 0 ? [`  and ${others} more`] : [])];
};

const explainTask = async (queue: Queue, views: Views, taskId: string) => {
  const [found, task, { status }] = await Promise.all([
    views.explainTask(taskId),
    queue.task(taskId),
    queue.status(taskId),
  ]);
  const group = new GroupState();
  applyListed(group, { status, task });
  const failures = await gatherFailures(queue, group);
  const [excerpt] = failures.flatMap((failure) => failure.excerpt ?? []);
  return { ...found, name: task.metadata.name, ...(excerpt ? { excerpt } : {}) };
};

const isMissing = (error: unknown): boolean => error instanceof ApiError && error.statusCode === 404;

/** What is known of why a task or a group waits or failed. Groups of more than `max` tasks are not read as a whole. */
export const explain = async (
  clients: Clients,
  { id, isGroup, max = wholeMax }: { readonly id: string; readonly isGroup: boolean; readonly max?: number },
) => {
  const task = isGroup
    ? undefined
    : await explainTask(clients.queue, clients.views, id).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
  if (task) return { task };
  const group = await explainGroup(clients, id, max).catch((error: unknown) => {
    if (isGroup || !isMissing(error)) throw error;
    throw new CommandError(
      exitCodes.failed,
      `There is no task and no task group ${id}: it was never created here, or it has expired.`,
    );
  });
  return { group };
};

/** `taskyard why <taskId or taskGroupId>`, and `taskyard task why <taskId>` */
export const whyCommand = (io: Io): Command =>
  connectedCommand('why')
    .description('Say why a task or a group waits or failed: what it needs, its place in the queue, its log.')
    .argument('<id>', 'a taskId, or a taskGroupId')
    .option('--group', 'explain the group when a task has the same id')
    .action(async (id: string, options: ConnectedOptions & { readonly group?: true }) => {
      const clients = { queue: queueOf(io, options), views: viewsOf(io, options) };
      const { task, group } = await explain(clients, { id, isGroup: options.group === true });
      if (options.json) {
        sayJson(io, task ?? group);
        return;
      }
      const state = task && paintState(paintFor(io, io.stdout), task.state);
      const lines = task
        ? [
            `${harmless(task.name)}: ${state}. ${harmless(task.because)}`,
            ...failureLines(task),
            ...unmetLines(task),
            ...lineLines(io, task.line),
          ]
        : groupLines(io, group);
      for (const line of lines) say(io, line);
    });
