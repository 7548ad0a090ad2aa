import {
  type Priority,
  priorities,
  type RunStatus,
  type TaskState,
  type TaskStatus,
} from './schema/index.ts';

/** A task's status as it is stored: the fields that never change, and the current state. */
export interface TaskRecord {
  readonly taskId: string;
  readonly taskQueueId: string;
  readonly schedulerId: string;
  readonly projectId: string;
  readonly taskGroupId: string;
  readonly deadline: Date;
  readonly expires: Date;
  readonly retries: number;
  /** JSON text of the definition's tags: every message carries them. */
  readonly tags: string;
  readonly routes: readonly string[];
  /** An index into `priorities`: 0 is the most urgent. */
  readonly priority: number;
  readonly retriesLeft: number;
  /** The place in the line of pending runs, in microseconds since 1970; null unless pending. */
  readonly position: number | null;
  readonly runs: readonly RunStatus[];
}

/** A task before and after a change. */
export interface Change {
  readonly before: TaskRecord;
  readonly after: TaskRecord;
}

export const stateOf = (record: TaskRecord): TaskState => record.runs.at(-1)?.state ?? 'unscheduled';

export const priorityOf = (record: Pick<TaskRecord, 'priority'>): Priority =>
  priorities[record.priority] ?? 'lowest';

/** The two parts of a task queue's id. */
export const queueParts = (taskQueueId: string): { provisionerId: string; workerType: string } => {
  const slash = taskQueueId.indexOf('/');
  return { provisionerId: taskQueueId.slice(0, slash), workerType: taskQueueId.slice(slash + 1) };
};

type StatusFields = Omit<TaskRecord, 'runs' | 'retries' | 'tags' | 'routes' | 'position'> & {
  readonly state: string;
  /** JSON text. */
  readonly runs: string;
};

/**
 * A status as the API shows it, as JSON text. It is concatenated from text on purpose: it is part of every reply and every
 * message, and nothing in it needs escaping (ids, dates, and `runs`, which is JSON already).
 */
export const statusTextOf = (status: StatusFields): string => {
  const { provisionerId, workerType } = queueParts(status.taskQueueId);
  return (
    `{"taskId":"${status.taskId}","provisionerId":"${provisionerId}","workerType":"${workerType}",` +
    `"taskQueueId":"${status.taskQueueId}","schedulerId":"${status.schedulerId}","projectId":"${status.projectId}",` +
    `"taskGroupId":"${status.taskGroupId}","priority":"${priorityOf(status)}",` +
    `"deadline":"${status.deadline.toJSON()}","expires":"${status.expires.toJSON()}",` +
    `"retriesLeft":${status.retriesLeft},"state":"${status.state}","runs":${status.runs}}`
  );
};

/** The status of a record, for code that reads it: the same fields. */
export const statusOf = (record: TaskRecord): TaskStatus => ({
  taskId: record.taskId,
  ...queueParts(record.taskQueueId),
  taskQueueId: record.taskQueueId,
  schedulerId: record.schedulerId,
  projectId: record.projectId,
  taskGroupId: record.taskGroupId,
  priority: priorityOf(record),
  deadline: record.deadline.toJSON(),
  expires: record.expires.toJSON(),
  retriesLeft: record.retriesLeft,
  state: stateOf(record),
  runs: [...record.runs],
});

// Records are immutable, and the same one goes into a reply and into several messages.
const texts = new WeakMap<TaskRecord, string>();

/** The status of a record, as JSON text. */
export const statusText = (record: TaskRecord): string => {
  let text = texts.get(record);
  if (text === undefined) {
    text = statusTextOf({ ...record, state: stateOf(record), runs: JSON.stringify(record.runs) });
    texts.set(record, text);
  }
  return text;
};

/** A definition as the API shows it. It is stored without the priority, which is stored with the status. */
export const definitionText = (stored: string, priority: number): string =>
  `{"priority":"${priorityOf({ priority })}",${stored.slice(1)}`;
