import { createHash } from 'node:crypto';
import { inSlices, RequestError, type Transaction, transact } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Authorize } from '../../http/index.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import type { FilledTaskGraph } from '../schema.ts';
import * as store from '../store.ts';
import { addNodes } from './add-nodes.ts';
import { authorizeBy } from './authority.ts';

/** A graph that is to be created, and the check of its creator's scopes. */
export interface GraphToCreate {
  readonly taskGraphId: string;
  readonly definition: FilledTaskGraph;
  readonly authorize: Authorize;
}

/**
 * Creates a graph with all of its tasks in one transaction, or returns a list of all mistakes. The creator gives the graph
 * its scopes, by which its tasks are created. A repeated graph changes nothing.
 */
export const createTaskGraph = async (
  context: Context,
  { taskGraphId, definition, authorize }: GraphToCreate,
): Promise<store.GraphRow> => {
  const { scopes, routes, tasks } = definition;
  authorize({ scopes, routes });
  const digest = await digestOf(definition);
  const authorizeTask = authorizeBy(await context.callerFor(scopes));
  return transact(context, async (tx, now) => {
    const graph = newGraph(taskGraphId, { definition, digest, now });
    if (!(await store.insertGraph(tx, graph))) return requireSame(tx, graph);
    const adding = { taskGraphId, nodes: tasks, existing: new Map(), authorize: authorizeTask };
    const { nodes, records } = await addNodes(tx, adding, { ...context, now });
    const created: store.GraphRow = {
      ...graph,
      leavesLeft: nodes.filter((node) => node.isLeaf).length,
      expires: lastExpiry(graph.expires, records),
    };
    await store.saveGraphs(tx, [created]);
    await outbox.append(tx, [events.taskGraphRunning(created)], now);
    return created;
  });
};

const newGraph = (
  taskGraphId: string,
  { definition, digest, now }: { definition: FilledTaskGraph; digest: string; now: Date },
): store.GraphRow => ({
  taskGraphId,
  state: 'running',
  leavesLeft: 0,
  scopes: definition.scopes,
  routes: definition.routes,
  metadata: JSON.stringify(definition.metadata),
  tags: JSON.stringify(definition.tags),
  digest,
  expires: now,
});

const requireSame = async (
  tx: Transaction,
  { taskGraphId, digest }: store.GraphRow,
): Promise<store.GraphRow> => {
  const existing = await store.readGraph(tx, taskGraphId);
  if (existing?.digest === digest) return existing;
  throw new RequestError('RequestConflict', `taskGraphId ${taskGraphId} is already used by another graph.`);
};

/** A graph is kept as long as the last of its tasks. */
export const lastExpiry = (known: Date, records: readonly { readonly expires: Date }[]): Date =>
  new Date(records.reduce((last, { expires }) => Math.max(last, expires.getTime()), known.getTime()));

/** Equal for graphs with the same content, in any order of fields and tasks. */
const digestOf = async ({ tasks, ...rest }: FilledTaskGraph): Promise<string> => {
  const hash = createHash('sha256').update(inOrder(rest));
  // One by one, so that the text of a large graph is never in memory as a whole.
  await inSlices(
    [...tasks].sort((a, b) => (a.taskId < b.taskId ? -1 : 1)),
    (node) => void hash.update(inOrder({ ...node, requires: [...node.requires].sort() })),
  );
  return hash.digest('base64url');
};

const inOrder = (value: object): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
