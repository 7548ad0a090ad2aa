import { type Static, Type } from 'typebox';
import { DateTime, exactly, Identifier, oneOf, publish, RunId } from '../../http/index.ts';
import { taskGroupProperties } from './groups.ts';
import { TaskStatus } from './status.ts';
import { PulseTaskDefinition, priorities } from './task.ts';

const { Optional } = Type;

/** The version of every message body of the queue. */
export const Version = Type.Unsafe<1>({ type: 'integer', enum: [1] });

const about = { version: Version, status: TaskStatus, task: Optional(PulseTaskDefinition) };
const worker = { workerGroup: Identifier, workerId: Identifier };

export const TaskDefinedMessage = exactly(about, { title: 'A task was defined' });
export type TaskDefinedMessage = Static<typeof TaskDefinedMessage>;
export const taskDefinedMessage = publish('queue', 'task-defined-message', TaskDefinedMessage);

export const TaskPendingMessage = exactly({ ...about, runId: RunId }, { title: 'A run waits for a worker' });
export type TaskPendingMessage = Static<typeof TaskPendingMessage>;
export const taskPendingMessage = publish('queue', 'task-pending-message', TaskPendingMessage);

export const TaskRunningMessage = exactly(
  { ...about, runId: RunId, ...worker, takenUntil: DateTime },
  { title: 'A worker claimed a run' },
);
export type TaskRunningMessage = Static<typeof TaskRunningMessage>;
export const taskRunningMessage = publish('queue', 'task-running-message', TaskRunningMessage);

export const TaskCompletedMessage = exactly(
  { ...about, runId: RunId, ...worker },
  { title: 'A task completed' },
);
export type TaskCompletedMessage = Static<typeof TaskCompletedMessage>;
export const taskCompletedMessage = publish('queue', 'task-completed-message', TaskCompletedMessage);

export const TaskFailedMessage = exactly({ ...about, runId: RunId, ...worker }, { title: 'A task failed' });
export type TaskFailedMessage = Static<typeof TaskFailedMessage>;
export const taskFailedMessage = publish('queue', 'task-failed-message', TaskFailedMessage);

export const TaskExceptionMessage = exactly(
  {
    ...about,
    runId: Optional(RunId),
    workerGroup: Optional(Identifier),
    workerId: Optional(Identifier),
  },
  {
    title: 'A run ended as an exception',
    description: 'A retry follows as a pending message of the next run.',
  },
);
export type TaskExceptionMessage = Static<typeof TaskExceptionMessage>;
export const taskExceptionMessage = publish('queue', 'task-exception-message', TaskExceptionMessage);

export const TaskPriorityChangedMessage = exactly(
  { version: Version, status: TaskStatus, oldPriority: oneOf(priorities), newPriority: oneOf(priorities) },
  { title: 'The priority of a task changed' },
);
export type TaskPriorityChangedMessage = Static<typeof TaskPriorityChangedMessage>;
export const taskPriorityChangedMessage = publish(
  'queue',
  'task-priority-changed-message',
  TaskPriorityChangedMessage,
);

export const TaskGroupChangedMessage = exactly(
  { version: Version, ...taskGroupProperties },
  { title: 'A group was sealed, or all its tasks resolved' },
);
export type TaskGroupChangedMessage = Static<typeof TaskGroupChangedMessage>;
export const taskGroupChangedMessage = publish(
  'queue',
  'task-group-changed-message',
  TaskGroupChangedMessage,
);

export const TaskGroupPriorityChangedMessage = exactly(
  {
    version: Version,
    taskGroupId: taskGroupProperties.taskGroupId,
    schedulerId: taskGroupProperties.schedulerId,
    newPriority: oneOf(priorities),
    tasksAffected: Type.Integer({ minimum: 0 }),
  },
  { title: 'The priority of a group changed' },
);
export type TaskGroupPriorityChangedMessage = Static<typeof TaskGroupPriorityChangedMessage>;
export const taskGroupPriorityChangedMessage = publish(
  'queue',
  'task-group-priority-changed-message',
  TaskGroupPriorityChangedMessage,
);
