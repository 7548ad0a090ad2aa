import { type Static, Type } from 'typebox';
import {
  ContinuationToken,
  DateTime,
  distinct,
  exactly,
  publish,
  RunId,
  Slugid,
  TaskQueueId,
} from '../../http/index.ts';
import { TaskDefinitionAndStatus } from './status.ts';
import { TaskDefinition } from './task.ts';

const { Optional, String: Text } = Type;

export const ListDependentTasksResponse = exactly(
  {
    taskId: Slugid,
    tasks: distinct(TaskDefinitionAndStatus, { description: 'The tasks that depend on this one.' }),
    continuationToken: Optional(ContinuationToken),
  },
  { title: 'Page of dependents' },
);
export type ListDependentTasksResponse = Static<typeof ListDependentTasksResponse>;
export const listDependentTasksResponse = publish(
  'queue',
  'list-dependent-tasks-response',
  ListDependentTasksResponse,
);

export const ListPendingTasksResponse = exactly(
  {
    tasks: distinct(exactly({ taskId: Slugid, runId: RunId, task: TaskDefinition, inserted: DateTime }), {
      description: 'Those that have waited longest come first.',
    }),
    continuationToken: Optional(ContinuationToken),
  },
  { title: 'Page of pending tasks' },
);
export type ListPendingTasksResponse = Static<typeof ListPendingTasksResponse>;
export const listPendingTasksResponse = publish(
  'queue',
  'list-pending-tasks-response',
  ListPendingTasksResponse,
);

export const ListClaimedTasksResponse = exactly(
  {
    tasks: distinct(
      exactly({
        taskId: Slugid,
        runId: RunId,
        workerGroup: Text(),
        workerId: Text(),
        claimed: DateTime,
        task: TaskDefinition,
      }),
      { description: 'The newest claim of each task.' },
    ),
    continuationToken: Optional(ContinuationToken),
  },
  { title: 'Page of claimed tasks' },
);
export type ListClaimedTasksResponse = Static<typeof ListClaimedTasksResponse>;
export const listClaimedTasksResponse = publish(
  'queue',
  'list-claimed-tasks-response',
  ListClaimedTasksResponse,
);

export const taskQueueCountsBatchRequest = publish(
  'queue',
  'task-queue-counts-batch-request',
  exactly(
    { taskQueueIds: Type.Array(TaskQueueId, { minItems: 1, maxItems: 1000 }) },
    { title: 'Task queues to count in' },
  ),
);

const Count = Type.Integer({ minimum: 0 });

export const taskQueueCountsBatchResponse = publish(
  'queue',
  'task-queue-counts-batch-response',
  exactly(
    {
      taskQueueCounts: Type.Array(
        exactly({ taskQueueId: TaskQueueId, pendingTasks: Count, claimedTasks: Count }),
        { description: 'Of each task queue once.' },
      ),
    },
    { title: 'Numbers of pending and claimed tasks of task queues' },
  ),
);
