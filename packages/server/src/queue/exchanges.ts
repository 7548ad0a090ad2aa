import type { ExchangeDeclaration, PublishedSchema, RoutingKeyWord } from '../http/index.ts';
import * as schema from './schema/index.ts';

const word = (name: string, summary: string, required = true): RoutingKeyWord => ({
  name,
  summary,
  required,
  multipleWords: false,
});
const kind: RoutingKeyWord = { ...word('routingKeyKind', 'Always `primary`.'), constant: 'primary' };
const reserved: RoutingKeyWord = {
  name: 'reserved',
  summary: 'Kept for later use: bind with `#`.',
  required: false,
  multipleWords: true,
};

type Optional = 'runId' | 'worker';

/** The words of a message about a task; those of run and worker are `_` where there is none. */
const taskKey = (always: readonly Optional[]): RoutingKeyWord[] => [
  kind,
  word('taskId', 'The task.'),
  word('runId', 'Its latest run.', always.includes('runId')),
  word('workerGroup', 'The group of the worker that has the run.', always.includes('worker')),
  word('workerId', 'The worker that has the run.', always.includes('worker')),
  word('provisionerId', 'First part of the task queue.'),
  word('workerType', 'Second part of the task queue.'),
  word('schedulerId', 'The scheduler of the task.'),
  word('taskGroupId', 'The group of the task.'),
  reserved,
];

const groupKey = [
  kind,
  word('taskGroupId', 'The group.'),
  word('schedulerId', 'The scheduler of the group.'),
  reserved,
];

const camel = (exchange: string): string =>
  exchange.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

const declare = (
  exchange: string,
  routingKey: readonly RoutingKeyWord[],
  about: { title: string; description: string; schema: PublishedSchema },
): ExchangeDeclaration => ({ exchange, name: camel(exchange), routingKey, ...about });

/** Every exchange of the queue; `artifactCreated` is passed in by the domain of artifacts. */
export const exchangesWith = (artifactCreated: PublishedSchema): readonly ExchangeDeclaration[] => [
  declare('task-defined', taskKey([]), {
    title: 'A task was defined',
    description: 'Sent when a task is created, before anything becomes of it.',
    schema: schema.taskDefinedMessage,
  }),
  declare('task-pending', taskKey(['runId']), {
    title: 'A run waits for a worker',
    description: 'Sent for each new run: when a task is scheduled, retried or rerun.',
    schema: schema.taskPendingMessage,
  }),
  declare('task-running', taskKey(['runId', 'worker']), {
    title: 'A worker claimed a run',
    description: 'Sent when a run is claimed; not when the claim is prolonged.',
    schema: schema.taskRunningMessage,
  }),
  declare('artifact-created', taskKey(['runId', 'worker']), {
    title: 'An artifact was created',
    description: 'Sent when a run gets an artifact of any type but `s3`.',
    schema: artifactCreated,
  }),
  declare('task-completed', taskKey(['runId', 'worker']), {
    title: 'A task completed',
    description: 'Sent when a worker reports success.',
    schema: schema.taskCompletedMessage,
  }),
  declare('task-failed', taskKey([]), {
    title: 'A task failed',
    description: 'Sent when a worker reports that the work did not succeed.',
    schema: schema.taskFailedMessage,
  }),
  declare('task-exception', taskKey([]), {
    title: 'A run ended as an exception',
    description:
      'Sent when a run could not do its work, was canceled or came too late. A retry follows as a new run.',
    schema: schema.taskExceptionMessage,
  }),
  declare('task-group-resolved', groupKey, {
    title: 'A group is resolved',
    description: 'Sent when a task resolves and none of its group is left; again when that happens again.',
    schema: schema.taskGroupChangedMessage,
  }),
  declare('task-group-sealed', groupKey, {
    title: 'A group was sealed',
    description: 'Sent at each call that seals a group.',
    schema: schema.taskGroupChangedMessage,
  }),
  declare('task-priority-changed', taskKey([]), {
    title: 'The priority of a task changed',
    description: 'Sent when the priority of one task was changed.',
    schema: schema.taskPriorityChangedMessage,
  }),
  declare('task-group-priority-changed', groupKey, {
    title: 'The priority of a group changed',
    description: 'Sent once when the priorities of the tasks of a group were changed.',
    schema: schema.taskGroupPriorityChangedMessage,
  }),
];
