import { type Static, Type } from 'typebox';
import {
  anyObject,
  ContinuationToken,
  distinct,
  exactly,
  Identifier,
  oneOf,
  ProjectId,
  ProvisionerId,
  publish,
  Slugid,
  TaskQueueId,
  WorkerType,
} from '../../http/index.ts';

const { Optional, String: Text } = Type;

/** Most urgent first. */
export const priorities = ['highest', 'very-high', 'high', 'medium', 'low', 'very-low', 'lowest'] as const;
export type Priority = (typeof priorities)[number];

export const dependenciesMax = 10_000;
export const retriesMax = 49;

export const TaskMetadata = exactly(
  {
    name: Text({ maxLength: 255, description: 'What people call the task.' }),
    description: Text({ maxLength: 32_768, description: 'What the task does and why, in Markdown.' }),
    owner: Text({ maxLength: 255, description: 'Whom to ask about it, by custom an e-mail address.' }),
    source: Type.Unsafe<string>({
      type: 'string',
      maxLength: 4096,
      pattern: '^(https?://|ssh://|git@)',
      anyOf: [{ format: 'uri' }, { format: 'regex' }],
      description: 'Where the definition of the task came from: a link to a file or a repository.',
    }),
  },
  { title: 'Task metadata', description: 'For people. Nothing in the queue depends on it.' },
);
export type TaskMetadata = Static<typeof TaskMetadata>;
export const taskMetadata = publish('queue', 'task-metadata', TaskMetadata);

const Created = Type.String({
  format: 'date-time',
  description: 'When the task was defined; within fifteen minutes of the server’s clock.',
});
const Deadline = Type.String({
  format: 'date-time',
  description: 'A task that is not resolved by then becomes an exception.',
});
const Expires = Type.String({
  format: 'date-time',
  description: 'When the task and all that hangs from it is deleted; a year after the deadline unless given.',
});
const Scope = Text({ pattern: '^[ -~]*$' });
const Payload = anyObject({ description: 'The work itself, in the format of the worker that will take it.' });
export const Tags = Type.Unsafe<Readonly<Record<string, string>>>({
  type: 'object',
  additionalProperties: { type: 'string', maxLength: 4096 },
  default: {},
  description: 'Labels; every message about the task carries them.',
});

const scheduling = {
  schedulerId: Type.String({
    ...Identifier,
    default: '-',
    description: 'Under whose authority the tasks of a group are created; one for each group.',
  }),
  projectId: Type.String({
    ...ProjectId,
    default: 'none',
    description: 'The project that the task belongs to.',
  }),
  dependencies: distinct(Slugid, {
    maxItems: dependenciesMax,
    default: [],
    description: 'Tasks that must resolve before this one becomes pending.',
  }),
  requires: oneOf(['all-completed', 'all-resolved'], {
    default: 'all-completed',
    description: 'Whether the dependencies must have completed, or only be over.',
  }),
  routes: distinct(Text({ minLength: 1, maxLength: 249 }), {
    maxItems: 64,
    default: [],
    description: 'Further routing keys of the messages about this task; `route.` is put before each.',
  }),
  priority: oneOf(priorities, {
    default: 'lowest',
    description: 'Tasks of a higher priority are claimed first.',
  }),
  retries: Type.Integer({
    minimum: 0,
    maximum: retriesMax,
    default: 5,
    description: 'How often the task may run again after a worker was lost.',
  }),
};
const Scopes = {
  uniqueItems: false,
  description: 'What the task itself may do, through its credentials.',
};
const Extra = anyObject({ default: {}, description: 'For tools; the queue only keeps it.' });

/** A task as it is stored and returned, with all defaults filled in. */
export const TaskDefinition = exactly(
  {
    provisionerId: ProvisionerId,
    workerType: WorkerType,
    taskQueueId: TaskQueueId,
    taskGroupId: Slugid,
    ...scheduling,
    projectId: Optional(scheduling.projectId),
    created: Created,
    deadline: Deadline,
    expires: Optional(Expires),
    scopes: Type.Array(Scope, Scopes),
    payload: Payload,
    metadata: TaskMetadata,
    tags: Tags,
    extra: Extra,
  },
  { title: 'Task definition', description: 'What was asked for. It never changes, except the priority.' },
);
export type TaskDefinition = Static<typeof TaskDefinition>;
export const task = publish('queue', 'task', TaskDefinition);

/**
 * A request for a task. Validation writes the defaults into the body, so that a verb finds all fields but the
 * queue (given by `taskQueueId` or by `provisionerId` and `workerType`), the group and `expires`.
 */
export const CreateTaskRequest = exactly(
  {
    provisionerId: Optional(ProvisionerId),
    workerType: Optional(WorkerType),
    taskQueueId: Optional(TaskQueueId),
    taskGroupId: Optional(Slugid),
    schedulerId: Optional(scheduling.schedulerId),
    projectId: Optional(scheduling.projectId),
    dependencies: Optional(scheduling.dependencies),
    requires: Optional(scheduling.requires),
    routes: Optional(scheduling.routes),
    priority: Optional(scheduling.priority),
    retries: Optional(scheduling.retries),
    created: Created,
    deadline: Deadline,
    expires: Optional(Expires),
    scopes: Optional(Type.Array(Scope, { ...Scopes, default: [] })),
    payload: anyObject({ ...Payload, default: [] }),
    metadata: TaskMetadata,
    tags: Optional(Tags),
    extra: Optional(Extra),
  },
  { title: 'Request for a task' },
);
export type CreateTaskRequest = Static<typeof CreateTaskRequest>;
export const createTaskRequest = publish('queue', 'create-task-request', CreateTaskRequest);

export const TasksRequest = exactly(
  { taskIds: Optional(Type.Array(Text(), { uniqueItems: false, default: [] })) },
  { title: 'Many tasks at once' },
);
export type TasksRequest = Static<typeof TasksRequest>;
export const tasksRequest = publish('queue', 'tasks-request', TasksRequest);

export const TasksResponse = exactly(
  {
    tasks: distinct(exactly({ taskId: Text(), task: TaskDefinition }), {
      default: [],
      description: 'In the order asked for; tasks that do not exist are left out.',
    }),
    continuationToken: Optional(ContinuationToken),
  },
  { title: 'Page of task definitions' },
);
export type TasksResponse = Static<typeof TasksResponse>;
export const tasksResponse = publish('queue', 'tasks-response', TasksResponse);

export const ChangeTaskPriorityRequest = exactly(
  { newPriority: oneOf(priorities) },
  { title: 'Change of priority' },
);
export type ChangeTaskPriorityRequest = Static<typeof ChangeTaskPriorityRequest>;
export const changeTaskPriorityRequest = publish(
  'queue',
  'change-task-priority-request',
  ChangeTaskPriorityRequest,
);

export const PulseTaskDefinition = exactly(
  { tags: Tags },
  { title: 'The part of a task definition that messages carry' },
);
export type PulseTaskDefinition = Static<typeof PulseTaskDefinition>;
export const taskPulseDefinition = publish('queue', 'task-pulse-definition', PulseTaskDefinition);

type Defaulted =
  | 'schedulerId'
  | 'projectId'
  | 'dependencies'
  | 'requires'
  | 'routes'
  | 'priority'
  | 'retries'
  | 'scopes'
  | 'tags'
  | 'extra';

/** A request after validation has filled in the defaults. */
export type FilledTaskRequest = CreateTaskRequest & Required<Pick<CreateTaskRequest, Defaulted>>;
