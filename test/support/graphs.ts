import { type CreateTaskRequest, Queue, slugid } from '@taskyard/client';
import type { Platform } from './platform.ts';

/** A task of a test's graph: its name, what it runs, and which others come first. */
export interface Wanted {
  readonly name: string;
  readonly command: string;
  readonly needs?: readonly string[];
  readonly taskQueueId?: string;
  /** Of its payload. */
  readonly features?: object;
}

const requestOf = (wanted: Wanted, dependencies: string[]): CreateTaskRequest => ({
  taskQueueId: wanted.taskQueueId ?? 'local/built-in',
  dependencies,
  created: new Date().toJSON(),
  deadline: new Date(Date.now() + 3600_000).toJSON(),
  payload: {
    command: [['sh', '-c', wanted.command]],
    maxRunTime: 300,
    ...(wanted.features ? { features: wanted.features } : {}),
  },
  metadata: {
    name: wanted.name,
    description: 'Made to be looked at.',
    owner: 'somebody@example.com',
    source: 'https://example.com/source',
  },
});

/** Submits a graph, by default in a group of its own; returns the ids of the group and, by name, of its tasks. */
export const submitGraph = async (
  { rootUrl, credentials }: Platform,
  wanted: readonly Wanted[],
  taskGroupId = slugid(),
) => {
  const ids = new Map(wanted.map(({ name }) => [name, slugid()]));
  const idOf = (name: string): string => {
    const id = ids.get(name);
    if (!id) throw new Error(`The graph has no task ${name}`);
    return id;
  };
  const tasks = wanted.map((each) => ({
    taskId: idOf(each.name),
    task: requestOf(each, (each.needs ?? []).map(idOf)),
  }));
  await new Queue({ rootUrl, credentials }).createTaskGroupTasks(taskGroupId, { tasks });
  return { taskGroupId, idOf };
};
