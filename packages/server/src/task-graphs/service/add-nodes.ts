import { type ElementError, inSlices, partsOf, RequestError, type Transaction } from '../../base/index.ts';
import { createTasksTogether, refusalOf, type TaskRecord } from '../../queue/index.ts';
import { cycleIn } from '../../scheduler/index.ts';
import type { Context } from '../context.ts';
import { type NodeToCreate, schedulerId } from '../schema.ts';
import * as store from '../store.ts';
import { type AuthorizeTask, sameSet } from './authority.ts';

/** The largest number of rows of one statement, since building and sending it blocks the process. */
const rowsAtOnceMax = 1000;

/** Tasks that are to become nodes of a graph. */
export interface NodesToAdd {
  readonly taskGraphId: string;
  readonly nodes: readonly NodeToCreate[];
  /**
   * Existing nodes of the graph: all that the new ones require, or that are repeated.
   */
  readonly existing: ReadonlyMap<string, store.NodeRow>;
  /** The check of the graph's scopes. */
  readonly authorize: AuthorizeTask;
}

/** The nodes that were added, and the records of their tasks. */
export interface AddedNodes {
  readonly nodes: readonly store.NodeRow[];
  readonly records: readonly TaskRecord[];
}

/**
 * Creates tasks and makes them nodes of their graph, or throws one refusal that lists all mistakes. Equal existing nodes stay
 * as they are.
 */
export const addNodes = async (
  tx: Transaction,
  adding: NodesToAdd,
  context: Context & { now: Date },
): Promise<AddedNodes> => {
  const { taskGraphId, nodes, existing, authorize } = adding;
  const known = new Set([...existing.keys(), ...nodes.map(({ taskId }) => taskId)]);
  const items = await inSlices(nodes, ({ taskId, requires, task }) => {
    const required = requires.filter((id) => known.has(id));
    const dependencies = [...new Set([...task.dependencies, ...required])];
    return { taskId, request: { ...task, schedulerId, taskGroupId: taskGraphId, dependencies }, authorize };
  });
  const mistakes = await mistakesIn(adding, known);
  const answers = await createTasksTogether(tx, items, { now: context.now, context: context.queue });
  const errors = [
    ...mistakes,
    ...answers.flatMap((answer, i) => refusedTask(answer, nodes[i]?.taskId as string, existing)),
  ];
  if (errors.length > 0) throw refusalOf(errors, nodes.length);
  const added = nodes.filter(({ taskId }) => !existing.has(taskId));
  const rows = rowsOf(taskGraphId, added);
  for (const part of partsOf(rows, rowsAtOnceMax)) await store.insertNodes(tx, part);
  return { nodes: rows, records: answers as TaskRecord[] };
};

const refusedTask = (
  answer: TaskRecord | RequestError,
  taskId: string,
  existing: ReadonlyMap<string, unknown>,
): ElementError[] => {
  if (answer instanceof RequestError) return [{ taskId, code: answer.code, message: answer.message }];
  if (existing.has(taskId) || !hasBegun(answer)) return [];
  return [
    { taskId, code: 'RequestConflict', message: `taskId ${taskId} is already used outside of the graph.` },
  ];
};

/**
 * A task whose first run was claimed or has ended: a graph that added it now would have missed its changes.
 */
const hasBegun = ({ runs }: TaskRecord): boolean =>
  runs.length > 1 || (runs[0]?.state ?? 'pending') !== 'pending';

const rowsOf = (taskGraphId: string, nodes: readonly NodeToCreate[]): store.NodeRow[] => {
  const required = new Set(nodes.flatMap(({ requires }) => requires));
  return nodes.map(({ taskId, requires, reruns, task }) => ({
    taskId,
    taskGraphId,
    name: task.metadata.name,
    requires,
    reruns,
    rerunsLeft: reruns,
    isLeaf: !required.has(taskId),
  }));
};

/** The mistakes of the nodes as parts of their graph. */
const mistakesIn = async (adding: NodesToAdd, known: ReadonlySet<string>): Promise<ElementError[]> => [
  ...repeatedIds(adding.nodes),
  ...(await inSlices(adding.nodes, (node) => mistakesOf(node, adding, known))).flat(),
  ...cycles(adding.nodes),
];

const mistake = (taskId: string, message: string): ElementError => ({ taskId, code: 'InputError', message });

const repeatedIds = (nodes: readonly NodeToCreate[]): ElementError[] =>
  repeated(nodes.map(({ taskId }) => taskId)).map((taskId) =>
    mistake(taskId, `taskId ${taskId} is given to more than one task.`),
  );

const repeated = (ids: readonly string[]): string[] => {
  const seen = new Set<string>();
  return [...new Set(ids.filter((id) => seen.has(id) || !seen.add(id)))];
};

const mistakesOf = (
  { taskId, requires, reruns, task }: NodeToCreate,
  { taskGraphId, existing }: NodesToAdd,
  known: ReadonlySet<string>,
): ElementError[] => {
  const twice = repeated(requires);
  const unknown = [...new Set(requires)].filter((id) => !known.has(id));
  const before = existing.get(taskId);
  const { schedulerId: scheduler, taskGroupId = taskGraphId } = task;
  return [
    twice.length > 0 && mistake(taskId, `requires names tasks more than once: ${twice.join(', ')}.`),
    unknown.length > 0 &&
      mistake(taskId, `requires names tasks that the graph does not have: ${unknown.join(', ')}.`),
    requires.length > 0 &&
      task.requires !== 'all-completed' &&
      mistake(taskId, `task.requires is ${task.requires}; what a graph's task requires must complete.`),
    scheduler !== schedulerId && mistake(taskId, `schedulerId is ${scheduler}; it must be ${schedulerId}.`),
    taskGroupId !== taskGraphId &&
      mistake(taskId, `taskGroupId is ${taskGroupId}; it must be ${taskGraphId}.`),
    before &&
      !(before.reruns === reruns && sameSet(before.requires, requires)) && {
        taskId,
        code: 'RequestConflict' as const,
        message: `Task ${taskId} is in the graph already, with other requires or reruns.`,
      },
  ].filter((each) => typeof each === 'object');
};

const cycles = (nodes: readonly NodeToCreate[]): ElementError[] => {
  const cycle = cycleIn(
    new Map(nodes.map(({ taskId, requires, task }) => [taskId, [...requires, ...task.dependencies]])),
  );
  if (!cycle) return [];
  const [first] = cycle as [string];
  return [mistake(first, `requires form a cycle: ${[...cycle, first].join(' needs ')}.`)];
};
