import { type Static, Type } from 'typebox';
import {
  ContinuationToken,
  DateTime,
  distinct,
  exactly,
  Identifier,
  oneOf,
  publish,
  RunId,
  Slugid,
} from '../../http/index.ts';
import { TaskDefinition } from './task.ts';

const { Optional, String: Text } = Type;
const definition = TaskDefinition.properties;

export const runStates = ['pending', 'running', 'completed', 'failed', 'exception'] as const;
export type RunState = (typeof runStates)[number];

/** The state of a task is that of its last run; without a run it is `unscheduled`. */
export const taskStates = ['unscheduled', ...runStates] as const;
export type TaskState = (typeof taskStates)[number];

export const reasonsCreated = ['scheduled', 'retry', 'task-retry', 'rerun', 'exception'] as const;
export type ReasonCreated = (typeof reasonsCreated)[number];

/** The reasons that a worker can report when a run ends as an exception. */
export const reportedReasons = [
  'worker-shutdown',
  'malformed-payload',
  'resource-unavailable',
  'internal-error',
  'intermittent-task',
] as const;
export type ReportedReason = (typeof reportedReasons)[number];

export const reasonsResolved = [
  'completed',
  'failed',
  'deadline-exceeded',
  'canceled',
  'claim-expired',
  ...reportedReasons,
  'superseded',
] as const;
export type ReasonResolved = (typeof reasonsResolved)[number];

export const RunStatus = exactly(
  {
    runId: RunId,
    state: oneOf(runStates),
    reasonCreated: oneOf(reasonsCreated, { description: 'What brought this run about.' }),
    reasonResolved: Optional(oneOf(reasonsResolved, { description: 'How it ended; absent until then.' })),
    workerGroup: Optional(Identifier),
    workerId: Optional(Identifier),
    takenUntil: Optional(
      Text({
        format: 'date-time',
        description: 'The claim of the worker lasts until then; it stays when the run is over.',
      }),
    ),
    scheduled: DateTime,
    started: Optional(DateTime),
    resolved: Optional(DateTime),
  },
  { title: 'Run' },
);
export type RunStatus = Static<typeof RunStatus>;

export const TaskStatus = exactly(
  {
    taskId: Slugid,
    provisionerId: definition.provisionerId,
    workerType: definition.workerType,
    taskQueueId: definition.taskQueueId,
    schedulerId: definition.schedulerId,
    projectId: Type.String({ ...definition.projectId }),
    taskGroupId: definition.taskGroupId,
    priority: Optional(definition.priority),
    deadline: DateTime,
    expires: DateTime,
    retriesLeft: Type.Integer({ minimum: 0, maximum: 999, description: 'Automatic retries that remain.' }),
    state: oneOf(taskStates),
    runs: distinct(RunStatus, { description: 'By number, from 0; only the last may be pending or running.' }),
  },
  { title: 'Task status' },
);
export type TaskStatus = Static<typeof TaskStatus>;
export const taskStatus = publish('queue', 'task-status', TaskStatus);

export const TaskStatusResponse = exactly({ status: TaskStatus }, { title: 'Status of a task' });
export type TaskStatusResponse = Static<typeof TaskStatusResponse>;
export const taskStatusResponse = publish('queue', 'task-status-response', TaskStatusResponse);

export const TasksStatusesResponse = exactly(
  {
    statuses: distinct(exactly({ taskId: Text(), status: TaskStatus }), {
      default: [],
      description: 'In the order asked for; tasks that do not exist are left out.',
    }),
    continuationToken: Optional(ContinuationToken),
  },
  { title: 'Page of task statuses' },
);
export type TasksStatusesResponse = Static<typeof TasksStatusesResponse>;
export const tasksStatusesResponse = publish('queue', 'tasks-statuses-response', TasksStatusesResponse);

export const TaskDefinitionAndStatus = exactly(
  { status: TaskStatus, task: TaskDefinition },
  { title: 'A task and its status' },
);
export type TaskDefinitionAndStatus = Static<typeof TaskDefinitionAndStatus>;
export const taskDefinitionAndStatus = publish(
  'queue',
  'task-definition-and-status',
  TaskDefinitionAndStatus,
);

export const TaskExceptionRequest = exactly(
  {
    reason: oneOf(reportedReasons, {
      description: 'Only `worker-shutdown` and `intermittent-task` bring about another run.',
    }),
  },
  { title: 'Report of an exception' },
);
export type TaskExceptionRequest = Static<typeof TaskExceptionRequest>;
export const taskExceptionRequest = publish('queue', 'task-exception-request', TaskExceptionRequest);
