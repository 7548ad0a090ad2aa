import { ApiError, type Queue, type TaskExplanation, type Views } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from './connected.ts';
import { applyListed } from './follow/follow-group.ts';
import { GroupState, stateOf } from './follow/group-state.ts';
import { causesOf, gatherReport, type ReportedFailure } from './follow/report.ts';
import { viewsOf } from './found.ts';
import { columns, harmless, type Io, paintFor, say, sayJson } from './io.ts';
import { listGroup } from './listings.ts';
import { paintState } from './paint-state.ts';
import { shownTime } from './times.ts';

const logLinesMax = 10;
const queuesMax = 5;

/** Why a group does not progress, or did not complete. */
interface GroupWhy {
  readonly taskGroupId: string;
  /** The failed tasks that were not canceled, with their logs. */
  readonly failures: readonly ReportedFailure[];
  /** How many tasks were canceled. */
  readonly canceled: number;
  /** For each task queue with waiting tasks of the group, why the first of them waits. */
  readonly waiting: readonly (TaskExplanation & { readonly name: string })[];
  /** The number of tasks that wait for others of the group. */
  readonly unscheduled: number;
}

const explainGroup = async (queue: Queue, views: Views, taskGroupId: string): Promise<GroupWhy> => {
  const listed = await listGroup(queue, taskGroupId);
  const group = new GroupState();
  for (const each of listed) applyListed(group, each);
  const { failures } = await gatherReport(queue, { group, startedAt: new Date() }, undefined);
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
    canceled: failures.length - causes.length,
    waiting: await Promise.all(waiting),
    unscheduled: group.tasks.filter((task) => stateOf(task) === 'unscheduled').length,
  };
};

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

const failureLines = ({ excerpt }: Pick<ReportedFailure, 'excerpt'>): string[] =>
  (excerpt?.lines ?? []).slice(0, logLinesMax).map((line) => `  │ ${line}`);

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
  const { failures } = await gatherReport(queue, { group, startedAt: new Date() }, undefined);
  const [excerpt] = failures.flatMap((failure) => failure.excerpt ?? []);
  return { ...found, name: task.metadata.name, ...(excerpt ? { excerpt } : {}) };
};

const isMissing = (error: unknown): boolean => error instanceof ApiError && error.statusCode === 404;

/** What is known of why a task or a group waits or failed. */
export const explain = async (
  { queue, views }: { readonly queue: Queue; readonly views: Views },
  { id, isGroup }: { readonly id: string; readonly isGroup: boolean },
) => {
  const task = isGroup
    ? undefined
    : await explainTask(queue, views, id).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
  return task ? { task } : { group: await explainGroup(queue, views, id) };
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
