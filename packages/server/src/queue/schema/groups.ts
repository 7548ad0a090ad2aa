import { type Static, Type } from 'typebox';
import { ContinuationToken, distinct, exactly, oneOf, publish, Slugid } from '../../http/index.ts';
import { TaskDefinitionAndStatus } from './status.ts';
import { priorities, TaskDefinition } from './task.ts';

const { Optional } = Type;
const Count = Type.Integer({ minimum: 0 });

export const taskGroupProperties = {
  taskGroupId: Slugid,
  schedulerId: TaskDefinition.properties.schedulerId,
  expires: Type.String({ format: 'date-time', description: 'Later than the last of its tasks.' }),
  sealed: Optional(
    Type.String({ format: 'date-time', description: 'Since then no task can be added; absent while open.' }),
  ),
};

export const TaskGroup = exactly(taskGroupProperties, { title: 'Task group' });
export type TaskGroup = Static<typeof TaskGroup>;
export const taskGroupResponse = publish('queue', 'task-group-response', TaskGroup);

export const ListTaskGroupResponse = exactly(
  {
    ...taskGroupProperties,
    tasks: distinct(TaskDefinitionAndStatus),
    continuationToken: Optional(ContinuationToken),
  },
  { title: 'Page of the tasks of a group' },
);
export type ListTaskGroupResponse = Static<typeof ListTaskGroupResponse>;
export const listTaskGroupResponse = publish('queue', 'list-task-group-response', ListTaskGroupResponse);

export const CancelTaskGroupResponse = exactly(
  {
    taskGroupId: Slugid,
    taskGroupSize: Count,
    cancelledCount: Count,
    taskIds: distinct(Slugid, { description: 'The tasks that this call canceled.' }),
  },
  { title: 'Canceled group' },
);
export type CancelTaskGroupResponse = Static<typeof CancelTaskGroupResponse>;
export const cancelTaskGroupResponse = publish(
  'queue',
  'cancel-task-group-response',
  CancelTaskGroupResponse,
);

export const RerunTaskGroupResponse = exactly(
  {
    taskGroupId: Slugid,
    taskIds: distinct(Slugid, { description: 'The tasks that this call gave a new run.' }),
  },
  { title: 'Rerun group' },
);
export const rerunTaskGroupResponse = publish('queue', 'rerun-task-group-response', RerunTaskGroupResponse);

export const TaskGroupPriorityChange = exactly(
  {
    taskGroupId: Slugid,
    schedulerId: TaskDefinition.properties.schedulerId,
    newPriority: oneOf(priorities),
    tasksAffected: Count,
    taskIds: distinct(Slugid, { description: 'The tasks whose priority changed.' }),
  },
  { title: 'Changed priority of a group' },
);
export type TaskGroupPriorityChange = Static<typeof TaskGroupPriorityChange>;
export const taskGroupPriorityChangeResponse = publish(
  'queue',
  'task-group-priority-change-response',
  TaskGroupPriorityChange,
);
