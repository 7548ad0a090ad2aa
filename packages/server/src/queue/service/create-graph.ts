import {
  type Answer,
  type ElementError,
  inSlices,
  partsOf,
  RequestError,
  type Verb,
} from '../../base/index.ts';
import type { Authorize } from '../../http/index.ts';
import { cycleIn } from '../../scheduler/index.ts';
import type { Context } from '../context.ts';
import { statusText, type TaskRecord } from '../record.ts';
import type { FilledTaskRequest } from '../schema/index.ts';
import { createTasksTogether } from './create-tasks.ts';

/** A graph: tasks of one group that are created together or not at all. */
export interface GraphToCreate {
  readonly taskGroupId: string;
  readonly tasks: readonly { readonly taskId: string; readonly task: FilledTaskRequest }[];
  readonly authorize: Authorize;
}

type Element = GraphToCreate['tasks'][number];

const mistake = (taskId: string, message: string): ElementError => ({ taskId, code: 'InputError', message });

/** The mistakes of a graph that can be found without the database. */
const mistakesIn = ({ taskGroupId, tasks }: GraphToCreate): ElementError[] => {
  const counts = new Map<string, number>();
  for (const { taskId } of tasks) counts.set(taskId, (counts.get(taskId) ?? 0) + 1);
  const repeated = [...counts]
    .filter(([, count]) => count > 1)
    .map(([taskId, count]) => mistake(taskId, `taskId ${taskId} is given to ${count} tasks.`));
  const elsewhere = tasks
    .filter(({ task }) => task.taskGroupId !== undefined && task.taskGroupId !== taskGroupId)
    .map(({ taskId, task }) =>
      mistake(taskId, `taskGroupId is ${task.taskGroupId}; the graph is of group ${taskGroupId}.`),
    );
  // A task may depend on itself, here as in `createTask`: it waits until it is scheduled by hand.
  const needsOf = ({ taskId, task }: Element) => task.dependencies.filter((id) => id !== taskId);
  const cycle = cycleIn(new Map(tasks.map((task) => [task.taskId, needsOf(task)])));
  const cyclic = cycle
    ? [mistake(cycle[0] as string, `dependencies form a cycle: ${[...cycle, cycle[0]].join(' needs ')}.`)]
    : [];
  return [...repeated, ...elsewhere, ...cyclic];
};

/** One refusal for the whole graph, with the mistakes of each task. */
export const refusalOf = (errors: readonly ElementError[], size: number): RequestError => {
  const [first] = errors as [ElementError];
  const code = errors.every((error) => error.code === first.code) ? first.code : 'InputError';
  const lines = errors.slice(0, 50).map(({ taskId, message }) => `  * ${taskId}: ${message}`);
  const more = errors.length > lines.length ? [`  * and ${errors.length - lines.length} more`] : [];
  const refused = new Set(errors.map(({ taskId }) => taskId)).size;
  const summary = `None of the ${size} tasks was created; ${refused} of them cannot be:`;
  return new RequestError(code, [summary, ...lines, ...more].join('\n'), errors);
};

/** Checks scopes once for each combination of values, not once for each task. */
const askedOnce = (authorize: Authorize): Authorize => {
  const granted = new Set<string>();
  return (values) => {
    const key = JSON.stringify(values);
    if (granted.has(key)) return;
    authorize(values);
    granted.add(key);
  };
};

/** Refuses a graph with mistakes that can be found without the database. */
export const requireSoundGraph = (graph: GraphToCreate): void => {
  const mistakes = mistakesIn(graph);
  if (mistakes.length > 0) throw refusalOf(mistakes, graph.tasks.length);
};

/**
 * Creates graphs: all tasks of a graph, or none and a list of all mistakes. A refusal is thrown, which rolls the whole
 * transaction back, so each graph has its own transaction. A repeated graph changes nothing.
 */
export const createGraphs: Verb<GraphToCreate, TaskRecord[], Context> = async (tx, graphs, work) => {
  const created: TaskRecord[][] = [];
  for (const graph of graphs)
    created.push(allOrNone(graph, await createTasksTogether(tx, itemsOf(graph), work)));
  return created;
};

const itemsOf = (graph: GraphToCreate) => {
  const authorize = askedOnce(graph.authorize);
  return graph.tasks.map(({ taskId, task }: Element) => ({
    taskId,
    request: { ...task, taskGroupId: graph.taskGroupId },
    authorize,
  }));
};

/** The records of a graph. Throws when a task was refused, which rolls the graph back. */
export const allOrNone = (
  { tasks }: Pick<GraphToCreate, 'tasks'>,
  answers: readonly Answer<TaskRecord>[],
): TaskRecord[] => {
  const errors = answers.flatMap((answer, i): ElementError[] =>
    answer instanceof RequestError
      ? [{ taskId: tasks[i]?.taskId ?? '', code: answer.code, message: answer.message }]
      : [],
  );
  if (errors.length > 0) throw refusalOf(errors, tasks.length);
  return answers as TaskRecord[];
};

/** This many texts are built and joined in one slice: for 20,000 at once that takes a while. */
const textsAtOnceMax = 500;

/** The reply of a created graph, JSON text. */
export const graphText = async (taskGroupId: string, records: readonly TaskRecord[]): Promise<string> => {
  const texts = await inSlices(partsOf(records, textsAtOnceMax), (part) => part.map(statusText).join(','));
  return `{"taskGroupId":"${taskGroupId}","statuses":[${texts.join(',')}]}`;
};
