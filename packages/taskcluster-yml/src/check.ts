import type { Completed } from './complete.ts';
import { textAt } from './details.ts';
import type { Item } from './item.ts';
import {
  inOrder,
  isFields,
  type Mistake,
  type Path,
  type Refusal,
  type Source,
  type Validate,
  validatorOf,
} from './template/index.ts';

/** What people call a task. */
export const labelOf = ({ task, taskId }: Pick<Completed, 'task' | 'taskId'>): string =>
  textAt(task, 'metadata', 'name') ?? taskId;

const nestedHint = ': put "$flatten" around the outer list';

/** The mistakes of items that are no maps, and so no tasks. */
export const checkItems = (source: Source, items: readonly Item[]): Mistake[] =>
  items
    .filter(({ value }) => !isFields(value))
    .map(({ value, path }) => {
      const hint = Array.isArray(value) ? nestedHint : '';
      const shown = Array.isArray(value) ? 'a list' : JSON.stringify(value);
      return source.mistake(path, `a task must be a map, not ${shown}${hint}`);
    });

const slugidForm = /^[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$/;

const checkTaskId = ({ taskId }: Completed): Refusal[] =>
  slugidForm.test(taskId)
    ? []
    : [
        {
          path: ['taskId'],
          message: `taskId must be a slugid, not ${JSON.stringify(taskId)}; use as_slugid("…")`,
        },
      ];

const checkDates = ({ task }: Completed): Refusal[] => {
  const { created, deadline, expires } = task;
  const [begin, end, last] = [created, deadline, expires].map((date) => Date.parse(String(date))) as [
    number,
    number,
    number,
  ];
  if (end < begin)
    return [{ path: ['deadline'], message: `deadline (${deadline}) comes before created (${created})` }];
  return last < end
    ? [{ path: ['expires'], message: `expires (${expires}) comes before deadline (${deadline})` }]
    : [];
};

const checkQueue = ({ task }: Completed): Refusal[] => {
  const { taskQueueId, provisionerId, workerType } = task;
  return taskQueueId === undefined && (provisionerId === undefined || workerType === undefined)
    ? [{ path: [], message: 'no task queue: write taskQueueId, or provisionerId and workerType' }]
    : [];
};

/** Checks of one task on its own. */
const checkOne = (completed: Completed, checkBody: Validate): Refusal[] => [
  ...checkTaskId(completed),
  ...checkQueue(completed),
  ...checkDates(completed),
  ...checkBody(completed.task),
];

const needsOf = ({ task }: Completed): string[] =>
  Array.isArray(task.dependencies) ? task.dependencies.filter((one) => typeof one === 'string') : [];

const cycleMessage = (labels: readonly string[]): string => {
  const [first = ''] = labels;
  if (labels.length === 1) return 'depends on itself';
  return `a cycle: ${[...labels, first].map((label) => `"${label}"`).join(' depends on ')}`;
};

export interface Checked {
  /** Each after those that it depends on. */
  readonly ordered: readonly Completed[];
  readonly mistakes: readonly Mistake[];
}

/** Checks tasks one by one and all together. Tasks that they depend on may be outside of the file. */
export const checkTasks = (
  source: Source,
  tasks: readonly Completed[],
  taskSchema: object | undefined,
): Checked => {
  const checkBody: Validate = taskSchema === undefined ? () => [] : validatorOf(taskSchema);
  const byId = new Map(tasks.map((one) => [one.taskId, one]));
  const told = (one: Completed, path: Path, message: string): Mistake =>
    source.mistake([...one.path, ...path], message, labelOf(one));
  const alone = tasks.flatMap((one) =>
    checkOne(one, checkBody).map(({ path, message }) => told(one, path, message)),
  );
  const nodes = tasks.map((one) => ({ label: one.taskId, needs: needsOf(one) }));
  const { order, cycles } = inOrder(nodes);
  const circular = cycles.flatMap((ids) => {
    const members = ids.flatMap((taskId) => byId.get(taskId) ?? []);
    const [first] = members;
    return first ? [told(first, ['dependencies'], cycleMessage(members.map(labelOf)))] : [];
  });
  return {
    ordered: order.flatMap((taskId) => byId.get(taskId) ?? []),
    mistakes: [...alone, ...circular],
  };
};
