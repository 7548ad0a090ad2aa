import type { Item } from './item.ts';
import { schedulerId } from './scopes.ts';
import { type Fields, isFields, type Path } from './template/index.ts';

/** A task with all that a file may leave out. */
export interface Completed {
  readonly taskId: string;
  readonly task: Fields;
  readonly path: Path;
}

interface Filling {
  readonly version: 0 | 1;
  readonly now: string;
  readonly route: string;
  readonly slugid: () => string;
}

const given = (task: Fields, key: string): string | undefined =>
  typeof task[key] === 'string' ? task[key] : undefined;

/** A sole task gives its group its id, as a decision task does; several tasks get a group with an id of its own. */
const idsOf = (tasks: readonly Fields[], slugid: () => string): { taskId: string; taskGroupId: string }[] => {
  const [first = {}] = tasks;
  const soleId = given(first, 'taskId') ?? given(first, 'taskGroupId') ?? slugid();
  const groupId = tasks.length === 1 ? soleId : slugid();
  return tasks.map((task) => ({
    taskId: given(task, 'taskId') ?? (tasks.length === 1 ? soleId : slugid()),
    taskGroupId: given(task, 'taskGroupId') ?? groupId,
  }));
};

const routesOf = ({ routes }: Fields, route: string): unknown =>
  routes === undefined || Array.isArray(routes) ? [...new Set([...(routes ?? []), route])] : routes;

/** Version 1: what the task says goes before what is filled in. */
const completeAll = (items: readonly Item[], { now, route, slugid }: Filling): Completed[] => {
  const tasks = items.map(({ value }) => value as Fields);
  const ids = idsOf(tasks, slugid);
  return items.map(({ path }, index) => {
    const { taskId: _taskId, ...task } = tasks[index] as Fields;
    const { taskId, taskGroupId } = ids[index] as { taskId: string; taskGroupId: string };
    const filled = { schedulerId, created: now, ...task, taskGroupId, routes: routesOf(task, route) };
    return { taskId, task: filled, path };
  });
};

/** Version 0: the group has the id of the first task, whatever the tasks say. */
const completeOld = (items: readonly Item[], { route, slugid }: Filling): Completed[] => {
  const ids = items.map(() => slugid());
  return items.map(({ value, path }, index) => {
    const task = value as Fields;
    const filled = { ...task, schedulerId, taskGroupId: ids[0], routes: routesOf(task, route) };
    return { taskId: ids[index] as string, task: filled, path };
  });
};

/** Fills in what tasks leave out: ids, group, date, scheduler, route. Of two tasks with one id the later one counts. */
export const completeTasks = (items: readonly Item[], filling: Filling): Completed[] => {
  const maps = items.filter(({ value }) => isFields(value));
  const completed = filling.version === 1 ? completeAll(maps, filling) : completeOld(maps, filling);
  return [...new Map(completed.map((one) => [one.taskId, one])).values()];
};
