import { RequestError, type Transaction, transact } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import { readStatuses } from '../../queue/index.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import { isSatisfied } from '../lifecycle.ts';
import type { NodeToCreate } from '../schema.ts';
import * as store from '../store.ts';
import { type AddedNodes, addNodes } from './add-nodes.ts';
import { authorizeBy } from './authority.ts';
import { lastExpiry } from './create-task-graph.ts';

/** Tasks to add to a graph. */
export interface Extension {
  readonly taskGraphId: string;
  readonly tasks: readonly NodeToCreate[];
}

/**
 * Adds tasks to a graph with the scopes of the graph: all of them or none. They may require existing tasks. The state of the
 * graph does not change. Repeated tasks change nothing.
 */
export const extendTaskGraph = async (
  context: Context,
  { taskGraphId, tasks }: Extension,
): Promise<store.GraphRow> => {
  const { scopes } = await requireGraph(context.db, taskGraphId);
  const authorize = authorizeBy(await context.callerFor(scopes));
  return transact(context, async (tx, now) => {
    await store.lockExtensions(tx, taskGraphId);
    const existing = await existingNodes(tx, { taskGraphId, tasks });
    const added = await addNodes(tx, { taskGraphId, nodes: tasks, existing, authorize }, { ...context, now });
    const graph = await requireLocked(tx, taskGraphId);
    if (added.nodes.length === 0) return graph;
    const extended = await grow(tx, graph, added);
    await store.saveGraphs(tx, [extended]);
    await outbox.append(tx, [events.taskGraphExtended(extended)], now);
    return extended;
  });
};

export const requireGraph = async (
  db: Parameters<typeof store.readGraph>[0],
  taskGraphId: string,
): Promise<store.GraphRow> => (await store.readGraph(db, taskGraphId)) ?? missing(taskGraphId);

// Tasks are always locked before graphs.
const requireLocked = async (tx: Transaction, taskGraphId: string): Promise<store.GraphRow> => {
  const [graph] = await store.lockGraphs(tx, [taskGraphId]);
  return graph ?? missing(taskGraphId);
};

const missing = (taskGraphId: string): never => {
  throw new RequestError('ResourceNotFound', `Task graph ${taskGraphId} does not exist.`);
};

const existingNodes = async (
  tx: Transaction,
  { taskGraphId, tasks }: Extension,
): Promise<Map<string, store.NodeRow>> => {
  const taskIds = new Set(tasks.flatMap(({ taskId, requires }) => [taskId, ...requires]));
  const nodes = await store.readNodes(tx, [...taskIds]);
  return new Map(nodes.filter((node) => node.taskGraphId === taskGraphId).map((node) => [node.taskId, node]));
};

/** The graph with its new leaves; tasks that the new ones require are no longer leaves. */
const grow = async (
  tx: Transaction,
  graph: store.GraphRow,
  { nodes, records }: AddedNodes,
): Promise<store.GraphRow> => {
  const newLeaves = nodes.filter((node) => node.isLeaf).length;
  // New nodes that others require are never leaves.
  const inner = await store.unleaf(tx, [...new Set(nodes.flatMap(({ requires }) => requires))]);
  // None of them resolves before the commit, since the dependent tasks lock their rows.
  const awaited = (await readStatuses(tx, inner)).filter((status) => !isSatisfied(status)).length;
  return {
    ...graph,
    leavesLeft: graph.leavesLeft - awaited + newLeaves,
    expires: lastExpiry(graph.expires, records),
  };
};
