import { type Message, routingKey } from '../events/index.ts';
import type { ExchangeDeclaration, PublishedSchema, RoutingKeyWord } from '../http/index.ts';
import * as schema from './schema.ts';
import type { GraphRow } from './store.ts';

const prefix = 'exchange/taskcluster-scheduler/v1/';

// The words are at the same places as in messages of the queue, so that one pattern matches both.
const unused = ['taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType'] as const;

/** The status of a graph, as the API shows it. */
export const statusOf = ({
  taskGraphId,
  state,
}: Pick<GraphRow, 'taskGraphId' | 'state'>): schema.TaskGraphStatus => ({
  taskGraphId,
  schedulerId: schema.schedulerId,
  state,
});

const graphMessage = (name: string, graph: GraphRow, more: object = {}): Message => ({
  exchange: `${prefix}task-graph-${name}`,
  routingKey: routingKey([
    'primary',
    ...unused.map(() => undefined),
    schema.schedulerId,
    graph.taskGraphId,
    undefined,
  ]),
  routes: graph.routes,
  body: { version: 1, status: statusOf(graph), ...more },
});

export const taskGraphRunning = (graph: GraphRow): Message => graphMessage('running', graph);
export const taskGraphExtended = (graph: GraphRow): Message => graphMessage('extended', graph);
export const taskGraphFinished = (graph: GraphRow): Message => graphMessage('finished', graph);
export const taskGraphBlocked = (graph: GraphRow, taskId: string): Message =>
  graphMessage('blocked', { ...graph, state: 'blocked' }, { taskId });

const word = (name: string, summary: string, required: boolean): RoutingKeyWord => ({
  name,
  summary,
  required,
  multipleWords: false,
});

const graphKey: readonly RoutingKeyWord[] = [
  { ...word('routingKeyKind', 'Always `primary`.', true), constant: 'primary' },
  ...unused.map((name) => word(name, 'Always `_`.', false)),
  word('schedulerId', `Always \`${schema.schedulerId}\`.`, true),
  word('taskGraphId', 'The graph.', true),
  { ...word('reserved', 'Kept for later use: bind with `#`.', false), multipleWords: true },
];

const declare = (
  name: string,
  about: { title: string; description: string; schema: PublishedSchema },
): ExchangeDeclaration => ({
  exchange: `task-graph-${name}`,
  name: `taskGraph${name[0]?.toUpperCase()}${name.slice(1)}`,
  routingKey: graphKey,
  ...about,
});

/** Every exchange of task graphs. */
export const exchanges: readonly ExchangeDeclaration[] = [
  declare('running', {
    title: 'A graph was created',
    description: 'Sent when a graph is created; it runs from then on.',
    schema: schema.taskGraphRunningMessage,
  }),
  declare('extended', {
    title: 'A graph got further tasks',
    description: 'Sent when a graph is extended. Its state is the same as before.',
    schema: schema.taskGraphExtendedMessage,
  }),
  declare('blocked', {
    title: 'A graph is blocked',
    description: 'Sent once, with the task whose failure or exception blocks the graph.',
    schema: schema.taskGraphBlockedMessage,
  }),
  declare('finished', {
    title: 'A graph has completed',
    description: 'Sent when the last task has completed; again when tasks that were added later have.',
    schema: schema.taskGraphFinishedMessage,
  }),
];
