import { type Static, Type } from 'typebox';
import { distinct, exactly, Identifier, oneOf, publish, Slugid } from '../http/index.ts';
import { CreateTaskRequest, type FilledTaskRequest, graphTasksMax, Tags } from '../queue/index.ts';

/** The scheduler of every task of a graph. */
export const schedulerId = 'task-graph-scheduler';

/** The state of a graph. `finished` means success; `blocked` means that it cannot finish without help. */
export const graphStates = ['running', 'blocked', 'finished'] as const;
export type GraphState = (typeof graphStates)[number];

/** The state of a task in its graph. */
const nodeStates = ['unscheduled', 'scheduled', 'completed', 'failed', 'exception'] as const;
export type NodeState = (typeof nodeStates)[number];

const { Optional, String: Text } = Type;

/** How often a graph reruns a failed task. */
export const rerunsMax = 100;

const SchedulerId = Type.Unsafe<string>({ ...Identifier, description: `Always \`${schedulerId}\`.` });

const Reruns = (description: string) => Type.Integer({ minimum: 0, maximum: rerunsMax, description });

const Requires = Type.Array(Slugid, {
  default: [],
  description: 'Tasks of the same graph that must complete before this one is scheduled.',
});

const GraphTask = exactly(
  {
    ...CreateTaskRequest.properties,
    schedulerId: Optional(Type.Unsafe<string>({ ...SchedulerId, default: schedulerId })),
  },
  {
    title: 'Task of a graph',
    description: 'As for `createTask`; group and scheduler are those of the graph.',
  },
);

const Nodes = Type.Array(
  exactly({
    taskId: Slugid,
    requires: Optional(Requires),
    reruns: Optional(
      Type.Integer({
        ...Reruns('How often the task is run again by itself when it fails.'),
        default: 0,
      }),
    ),
    task: GraphTask,
  }),
  { minItems: 1, maxItems: graphTasksMax, description: 'The tasks, in any order.' },
);

export const TaskGraphMetadata = exactly(
  {
    name: Text({ maxLength: 255, description: 'What people call the graph.' }),
    description: Text({ maxLength: 32_768, description: 'What the graph is for, in Markdown.' }),
    owner: Text({ maxLength: 255, format: 'email', description: 'Whom to ask about it.' }),
    source: Text({ maxLength: 4096, format: 'uri', description: 'Where its definition came from.' }),
  },
  { title: 'Graph metadata', description: 'For people.' },
);

const GraphScopes = Type.Array(Text({ pattern: '^[ -~]*$' }), {
  default: [],
  description: 'What the graph may do: its tasks are created by this authority, and have none beyond it.',
});

const Routes = distinct(Text({ minLength: 1, maxLength: 249 }), {
  maxItems: 10,
  default: [],
  description: 'Further routing keys of the messages about this graph; `route.` is put before each.',
});

export const TaskGraph = exactly(
  {
    scopes: Optional(GraphScopes),
    routes: Optional(Routes),
    tasks: Nodes,
    metadata: TaskGraphMetadata,
    tags: Optional(Tags),
  },
  { title: 'Request for a task graph' },
);
export const taskGraph = publish('scheduler', 'task-graph', TaskGraph);

export const ExtendTaskGraphRequest = exactly({ tasks: Nodes }, { title: 'Further tasks of a graph' });
export const extendTaskGraphRequest = publish(
  'scheduler',
  'extend-task-graph-request',
  ExtendTaskGraphRequest,
);

export const TaskGraphStatus = exactly(
  {
    taskGraphId: Slugid,
    schedulerId: SchedulerId,
    state: oneOf(graphStates, {
      description: '`finished` means success; `blocked`, that a task ended badly and is not run again.',
    }),
  },
  { title: 'Status of a task graph' },
);
export type TaskGraphStatus = Static<typeof TaskGraphStatus>;
export const taskGraphStatus = publish('scheduler', 'task-graph-status', TaskGraphStatus);

export const taskGraphStatusResponse = publish(
  'scheduler',
  'task-graph-status-response',
  exactly({ status: TaskGraphStatus }, { title: 'State of a task graph' }),
);

const about = { status: TaskGraphStatus, metadata: TaskGraphMetadata, tags: Tags };

export const taskGraphInfoResponse = publish(
  'scheduler',
  'task-graph-info-response',
  exactly(about, { title: 'State of a task graph, and what it is for' }),
);

export const InspectedNode = exactly(
  {
    taskId: Slugid,
    name: Text({ maxLength: 255 }),
    requires: Type.Array(Slugid),
    requiresLeft: Type.Array(Slugid, { description: 'Those of `requires` that have never completed.' }),
    reruns: Reruns('How often the graph has the task run again when it fails.'),
    rerunsLeft: Reruns('Reruns that are not used yet.'),
    state: oneOf(nodeStates),
    satisfied: Type.Boolean({ description: 'The task has completed: it keeps no other one waiting.' }),
    dependents: Type.Array(Slugid, { description: 'Tasks of the graph that require this one.' }),
  },
  { title: 'Task of a graph, as the graph sees it' },
);
export type InspectedNode = Static<typeof InspectedNode>;

export const inspectTaskGraphResponse = publish(
  'scheduler',
  'inspect-task-graph-response',
  exactly(
    { ...about, scopes: Type.Array(Text()), tasks: Type.Array(InspectedNode) },
    { title: 'All that is known of a task graph' },
  ),
);

export const inspectTaskGraphTaskResponse = publish(
  'scheduler',
  'inspect-task-graph-task-response',
  InspectedNode,
);

const Version = Type.Unsafe<1>({ type: 'integer', enum: [1] });
const message = (name: string, title: string, more: { taskId?: typeof Slugid } = {}) =>
  publish(
    'scheduler',
    `task-graph-${name}-message`,
    exactly({ version: Version, status: TaskGraphStatus, ...more }, { title }),
  );

export const taskGraphRunningMessage = message('running', 'A task graph was created');
export const taskGraphExtendedMessage = message('extended', 'A task graph got further tasks');
export const taskGraphBlockedMessage = message('blocked', 'A task graph is blocked', {
  taskId: Slugid,
});
export const taskGraphFinishedMessage = message('finished', 'A task graph has completed');

/** A task of a graph after validation, with its defaults filled in. */
export interface NodeToCreate {
  readonly taskId: string;
  readonly requires: readonly string[];
  readonly reruns: number;
  readonly task: FilledTaskRequest;
}

/** A graph after validation. */
export interface FilledTaskGraph {
  readonly scopes: readonly string[];
  readonly routes: readonly string[];
  readonly tasks: readonly NodeToCreate[];
  readonly metadata: Static<typeof TaskGraphMetadata>;
  readonly tags: Readonly<Record<string, string>>;
}
