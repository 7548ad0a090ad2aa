import { type Static, Type } from 'typebox';
import { exactly, publish, Slugid } from '../../http/index.ts';
import { TaskStatus } from './status.ts';
import { CreateTaskRequest } from './task.ts';

/** The largest number of tasks in a graph. */
export const graphTasksMax = 20_000;

export const CreateTaskGroupTasksRequest = exactly(
  {
    tasks: Type.Array(exactly({ taskId: Slugid, task: CreateTaskRequest }), {
      minItems: 1,
      maxItems: graphTasksMax,
      description: 'The tasks, in any order; `taskGroupId` may be left out of each.',
    }),
  },
  { title: 'Request for a graph of tasks' },
);
export type CreateTaskGroupTasksRequest = Static<typeof CreateTaskGroupTasksRequest>;
export const createTaskGroupTasksRequest = publish(
  'queue',
  'create-task-group-tasks-request',
  CreateTaskGroupTasksRequest,
);

export const createTaskGroupTasksResponse = publish(
  'queue',
  'create-task-group-tasks-response',
  exactly(
    {
      taskGroupId: Slugid,
      statuses: Type.Array(TaskStatus, { description: 'In the order of the request.' }),
    },
    { title: 'A graph of tasks' },
  ),
);
