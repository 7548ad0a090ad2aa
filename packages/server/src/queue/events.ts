import { type Message, routingKey } from '../events/index.ts';
import { resolvedRun } from './lifecycle.ts';
import { type Change, priorityOf, queueParts, statusText, type TaskRecord } from './record.ts';
import type { RunStatus } from './schema/index.ts';
import type { GroupRow } from './store/index.ts';

const prefix = 'exchange/taskcluster-queue/v1/';

/** The words of a message about a task; absent ones of run and worker become `_`. */
export const taskKey = (record: TaskRecord, run: Partial<RunStatus> = {}): string => {
  const { provisionerId, workerType } = queueParts(record.taskQueueId);
  return routingKey([
    'primary',
    record.taskId,
    run.runId,
    run.workerGroup,
    run.workerId,
    provisionerId,
    workerType,
    record.schedulerId,
    record.taskGroupId,
    undefined,
  ]);
};

// Bodies are concatenated from text: the status is JSON text already, and the rest are ids and dates.
const taskMessage = (
  name: string,
  record: TaskRecord,
  { run, more = '' }: { run?: RunStatus; more?: string },
): Message => ({
  exchange: prefix + name,
  routingKey: taskKey(record, run),
  routes: record.routes,
  body:
    `{"version":1,"status":${statusText(record)},"task":{"tags":${record.tags}}` +
    `${run ? `,"runId":${run.runId}` : ''}${run?.workerId ? workerWords(run) : ''}${more}}`,
});

const workerWords = ({ workerGroup, workerId }: RunStatus): string =>
  `,"workerGroup":"${workerGroup}","workerId":"${workerId}"`;

/** A task was defined. The status is its first one, without runs. */
export const taskDefined = (record: TaskRecord): Message => taskMessage('task-defined', record, {});

const messageOfRun = (record: TaskRecord, run: RunStatus): Message => {
  if (run.state === 'pending') return taskMessage('task-pending', record, { run });
  if (run.state === 'running') {
    return taskMessage('task-running', record, { run, more: `,"takenUntil":"${run.takenUntil}"` });
  }
  return taskMessage(`task-${run.state}`, record, { run });
};

/** The messages that report a change: one for each run whose state it changed, in order of the runs. */
export const messagesOf = ({ before, after }: Change): Message[] =>
  after.runs
    .filter((run) => before.runs[run.runId]?.state !== run.state)
    .map((run) => messageOfRun(after, run));

/** Whether a change resolved a task for good. */
export const isResolution = ({ before, after }: Change): boolean => resolvedRun(before, after) !== undefined;

export const taskPriorityChanged = ({ before, after }: Change): Message => ({
  exchange: `${prefix}task-priority-changed`,
  routingKey: taskKey(after, after.runs.at(-1)),
  routes: after.routes,
  body:
    `{"version":1,"status":${statusText(after)},` +
    `"oldPriority":"${priorityOf(before)}","newPriority":"${priorityOf(after)}"}`,
});

/** The published view of a group. */
export const groupView = ({ taskGroupId, schedulerId, expires, sealed }: GroupRow) => ({
  taskGroupId,
  schedulerId,
  expires: expires.toJSON(),
  ...(sealed ? { sealed: sealed.toJSON() } : {}),
});

const groupMessage = (name: string, group: GroupRow, body: object): Message => ({
  exchange: prefix + name,
  routingKey: routingKey(['primary', group.taskGroupId, group.schedulerId, undefined]),
  routes: [],
  body: { version: 1, ...body },
});

export const taskGroupResolved = (group: GroupRow): Message =>
  groupMessage('task-group-resolved', group, groupView(group));

export const taskGroupSealed = (group: GroupRow): Message =>
  groupMessage('task-group-sealed', group, groupView(group));

export const taskGroupPriorityChanged = (
  group: GroupRow,
  { newPriority, tasksAffected }: { newPriority: string; tasksAffected: number },
): Message => {
  const { taskGroupId, schedulerId } = group;
  return groupMessage('task-group-priority-changed', group, {
    taskGroupId,
    schedulerId,
    newPriority,
    tasksAffected,
  });
};
