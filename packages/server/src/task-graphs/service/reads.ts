import { RequestError, type Sql, together } from '../../base/index.ts';
import { readStatuses, type StatusWithLabels } from '../../queue/index.ts';
import { dependentsOf } from '../../scheduler/index.ts';
import { statusOf } from '../events.ts';
import { isSatisfied, nodeStateOf } from '../lifecycle.ts';
import type { InspectedNode, TaskGraphStatus } from '../schema.ts';
import * as store from '../store.ts';
import { requireGraph } from './extend-task-graph.ts';

/** The status of a graph. */
export const readStatus = async (db: Sql, taskGraphId: string): Promise<TaskGraphStatus> =>
  statusOf(await requireGraph(db, taskGraphId));

const aboutOf = (graph: store.GraphRow) => ({
  status: statusOf(graph),
  metadata: JSON.parse(graph.metadata) as object,
  tags: JSON.parse(graph.tags) as object,
});

/** The status of a graph with its metadata. */
export const readInfo = async (db: Sql, taskGraphId: string) => aboutOf(await requireGraph(db, taskGraphId));

/** A graph with all its tasks. Tasks that expired before their graph are left out. */
export const inspect = async (db: Sql, taskGraphId: string) => {
  const [graph, nodes] = await together(requireGraph(db, taskGraphId), store.readNodesOf(db, taskGraphId));
  const statuses = await statusesOf(
    db,
    nodes.map(({ taskId }) => taskId),
  );
  const dependents = new Map<string, string[]>(nodes.map(({ taskId }) => [taskId, []]));
  for (const { taskId, requires } of nodes) for (const id of requires) dependents.get(id)?.push(taskId);
  return {
    ...aboutOf(graph),
    scopes: graph.scopes,
    tasks: nodes.flatMap((node) => inspectedNode(node, dependents.get(node.taskId) ?? [], statuses)),
  };
};

// Without extensions, no task has more dependents in its graph than a graph has tasks.
const dependentsMax = 100_000;

/** One task of a graph, as {@link inspect} shows it. */
export const inspectTask = async (
  db: Sql,
  { taskGraphId, taskId }: { readonly taskGraphId: string; readonly taskId: string },
): Promise<InspectedNode> => {
  const [, [node], dependentIds] = await together(
    requireGraph(db, taskGraphId),
    store.readNodes(db, [taskId]),
    dependentsOf(db, taskId, '', dependentsMax),
  );
  const [statuses, others] = await together(
    statusesOf(db, [taskId, ...(node?.requires ?? [])]),
    store.readNodes(db, dependentIds),
  );
  const dependents = others
    .filter((other) => other.taskGraphId === taskGraphId && other.requires.includes(taskId))
    .map((other) => other.taskId);
  const [inspected] =
    node?.taskGraphId === taskGraphId ? inspectedNode(node, dependents.sort(), statuses) : [];
  if (inspected) return inspected;
  throw new RequestError('ResourceNotFound', `Task graph ${taskGraphId} has no task ${taskId}.`);
};

type Statuses = ReadonlyMap<string, StatusWithLabels>;

const statusesOf = async (db: Sql, taskIds: string[]): Promise<Statuses> =>
  new Map((await readStatuses(db, taskIds)).map((status) => [status.taskId, status]));

const inspectedNode = (
  { taskId, name, requires, reruns, rerunsLeft }: store.NodeRow,
  dependents: readonly string[],
  statuses: Statuses,
): InspectedNode[] => {
  const status = statuses.get(taskId);
  if (!status) return [];
  const keepsWaiting = (id: string): boolean => {
    const required = statuses.get(id);
    return required !== undefined && !isSatisfied(required);
  };
  return [
    {
      taskId,
      name,
      requires: [...requires],
      requiresLeft: requires.filter(keepsWaiting),
      reruns,
      rerunsLeft,
      state: nodeStateOf(status.state),
      satisfied: isSatisfied(status),
      dependents: [...dependents],
    },
  ];
};
