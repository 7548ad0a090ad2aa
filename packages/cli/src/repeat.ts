import { ApiError, type CreateTaskGroupTasksRequest, type Queue, slugid } from '@taskyard/client';
import { allItems, type ListedTask, listGroup } from './listings.ts';

/** A new task that repeats another one. */
export interface Repetition {
  readonly taskId: string;
  readonly name: string;
  /** The task that it repeats. */
  readonly repeats: string;
}

export interface RepeatedGroup {
  readonly taskGroupId: string;
  readonly tasks: readonly Repetition[];
}

/** A value with every taskId in it replaced by the one of its repetition. */
const translated = (value: unknown, newIds: ReadonlyMap<string, string>): unknown => {
  if (typeof value === 'string') {
    const ids = value.match(/[\w-]{22}/g)?.filter((word) => newIds.has(word)) ?? [];
    return ids.reduce((text, id) => text.replaceAll(id, newIds.get(id) ?? id), value);
  }
  if (Array.isArray(value)) return value.map((item) => translated(item, newIds));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [translated(key, newIds) as string, translated(item, newIds)]),
  );
};

const repeated = (
  { status, task }: ListedTask,
  { taskGroupId, newIds, now }: { taskGroupId: string; newIds: ReadonlyMap<string, string>; now: Date },
): object => {
  const created = Date.parse(task.created);
  const later = (date: string): string => new Date(now.getTime() + Date.parse(date) - created).toJSON();
  return {
    ...task,
    taskGroupId,
    // A task that waits for itself starts when somebody schedules it: who repeats it wants it to start.
    dependencies: translated(
      (task.dependencies ?? []).filter((needed) => needed !== status.taskId),
      newIds,
    ),
    payload: translated(task.payload, newIds),
    created: now.toJSON(),
    deadline: later(task.deadline),
    ...(task.expires === undefined ? {} : { expires: later(task.expires) }),
    extra: {
      ...(translated(task.extra ?? {}, newIds) as object),
      repeats: { taskId: status.taskId, taskGroupId: status.taskGroupId },
    },
  };
};

/**
 * Creates new tasks, in a new group and by one request, that repeat others: each with as much time as the old one had,
 * depending on repetitions where the old one depended on tasks that are repeated too. `extra.repeats` names the old one.
 */
export const repeatTasks = async (queue: Queue, tasks: readonly ListedTask[]): Promise<RepeatedGroup> => {
  const newIds = new Map(tasks.map(({ status }) => [status.taskId, slugid()]));
  const newId = (taskId: string): string => newIds.get(taskId) ?? taskId;
  const taskGroupId = slugid();
  const now = new Date();
  const bodies = tasks.map((listed) => ({
    taskId: newId(listed.status.taskId),
    task: repeated(listed, { taskGroupId, newIds, now }),
  }));
  await queue.createTaskGroupTasks(taskGroupId, { tasks: bodies } as CreateTaskGroupTasksRequest);
  return {
    taskGroupId,
    tasks: tasks.map(({ status, task }) => ({
      taskId: newId(status.taskId),
      name: task.metadata.name,
      repeats: status.taskId,
    })),
  };
};

/** A task and all that depends on it, however far. */
export const withDownstream = async (queue: Queue, taskId: string): Promise<ListedTask[]> => {
  const [{ status }, task] = await Promise.all([queue.status(taskId), queue.task(taskId)]);
  const found = new Map<string, ListedTask>([[taskId, { status, task }]]);
  for (const { status: needed } of found.values()) {
    const dependents = await allItems(
      (query) => queue.listDependentTasks(needed.taskId, query),
      (page) => page.tasks,
    );
    for (const dependent of dependents) found.set(dependent.status.taskId, dependent);
  }
  return [...found.values()];
};

const hasFailed = ({ status }: ListedTask): boolean => ['failed', 'exception'].includes(status.state);

/** What failed in a group, and what depends on that. */
export interface Failed {
  readonly failed: readonly ListedTask[];
  readonly dependents: readonly ListedTask[];
}

/** Finds what failed in a group, and all in it that depends on that. */
export const failedIn = async (queue: Queue, taskGroupId: string): Promise<Failed> => {
  const all = await listGroup(queue, taskGroupId);
  const failed = all.filter(hasFailed);
  const reached = new Set(failed.map(({ status }) => status.taskId));
  // Each round goes one step further downstream.
  for (let size = -1; size !== reached.size; ) {
    size = reached.size;
    for (const { status, task } of all) {
      if (task.dependencies?.some((needed) => reached.has(needed))) reached.add(status.taskId);
    }
  }
  const dependents = all.filter((listed) => reached.has(listed.status.taskId) && !hasFailed(listed));
  return { failed, dependents };
};

/** Reruns failed tasks by one request. Other servers have no such method and get one request for each task. */
export const rerunFailed = async (
  queue: Queue,
  taskGroupId: string,
  taskIds: readonly string[],
): Promise<void> => {
  try {
    await queue.rerunTaskGroup(taskGroupId);
  } catch (error) {
    if (!(error instanceof ApiError) || error.statusCode !== 404) throw error;
    for (const taskId of taskIds) await queue.rerunTask(taskId);
  }
};

/** Whether what failed can run again as it is: nothing is past its deadline, and what depends on it still waits for it. */
export const mayRunAgain = ({ failed, dependents }: Failed): boolean => {
  const ids = new Set(failed.map(({ status }) => status.taskId));
  const now = Date.now();
  return (
    [...failed, ...dependents].every(({ status }) => Date.parse(status.deadline) > now) &&
    failed.every(({ task }) => !task.dependencies?.some((needed) => ids.has(needed))) &&
    dependents.every(({ status }) => status.state === 'unscheduled')
  );
};
