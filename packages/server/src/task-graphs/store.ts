import type { Sql, Transaction } from '../base/index.ts';
import type { GraphState } from './schema.ts';

/** A graph. `metadata` and `tags` are JSON text. */
export interface GraphRow {
  readonly taskGraphId: string;
  readonly state: GraphState;
  readonly leavesLeft: number;
  readonly scopes: readonly string[];
  readonly routes: readonly string[];
  readonly metadata: string;
  readonly tags: string;
  readonly digest: string;
  readonly expires: Date;
}

/**
 * Adds a graph; false when its id is taken. Of two transactions that add the same graph, one waits for the end of the other.
 */
export const insertGraph = async (tx: Transaction, graph: GraphRow): Promise<boolean> => {
  const rows = await tx`
    insert into task_graphs
      (task_graph_id, state, leaves_left, scopes, routes, metadata, tags, digest, expires)
    values (${graph.taskGraphId}, ${graph.state}, ${graph.leavesLeft}, ${graph.scopes}, ${graph.routes},
            ${graph.metadata}, ${graph.tags}, ${graph.digest}, ${graph.expires})
    on conflict (task_graph_id) do nothing
    returning task_graph_id`;
  return rows.length > 0;
};

export const readGraph = async (db: Sql, taskGraphId: string): Promise<GraphRow | undefined> => {
  const [graph] = await db<GraphRow>`
    select task_graph_id, state, leaves_left, scopes, routes, metadata, tags, digest, expires
      from task_graphs where task_graph_id = ${taskGraphId}`;
  return graph;
};

/** Graphs, locked until the transaction ends, in order of ids to prevent deadlocks. */
export const lockGraphs = (tx: Transaction, taskGraphIds: string[]) =>
  tx<GraphRow>`
    select task_graph_id, state, leaves_left, scopes, routes, metadata, tags, digest, expires
      from task_graphs where task_graph_id = any(${taskGraphIds}::text[])
     order by task_graph_id
       for no key update`;

/** Writes the fields of graphs that can change. Their rows must be locked. */
export const saveGraphs = (tx: Transaction, graphs: readonly GraphRow[]) =>
  tx`
    update task_graphs g set state = n.state, leaves_left = n.leaves_left, expires = n.expires
      from unnest(${graphs.map((g) => g.taskGraphId)}::text[], ${graphs.map((g) => g.state)}::text[],
                  ${graphs.map((g) => g.leavesLeft)}::int[], ${graphs.map((g) => g.expires)}::timestamptz[])
           as n(task_graph_id, state, leaves_left, expires)
     where g.task_graph_id = any(array[n.task_graph_id])`;

/** Locks the extension of this graph until the transaction ends. */
export const lockExtensions = (tx: Transaction, taskGraphId: string) =>
  tx`select pg_advisory_xact_lock(hashtextextended('extension of task graph ' || ${taskGraphId}::text, 0))`;

/** A task of a graph. */
export interface NodeRow {
  readonly taskId: string;
  readonly taskGraphId: string;
  readonly name: string;
  readonly requires: readonly string[];
  readonly reruns: number;
  readonly rerunsLeft: number;
  /** Whether no other task of the graph requires it. */
  readonly isLeaf: boolean;
}

export const insertNodes = (tx: Transaction, nodes: readonly NodeRow[]) =>
  tx`
    insert into task_graph_nodes (task_id, task_graph_id, name, requires, reruns, reruns_left, is_leaf)
    select task_id, task_graph_id, name,
           case when requires = '[]' then '{}'
                else array(select json_array_elements_text(requires::json)) end,
           reruns, reruns_left, is_leaf
      from unnest(
        ${nodes.map((n) => n.taskId)}::text[], ${nodes.map((n) => n.taskGraphId)}::text[],
        ${nodes.map((n) => n.name)}::text[], ${nodes.map((n) => JSON.stringify(n.requires))}::text[],
        ${nodes.map((n) => n.reruns)}::smallint[], ${nodes.map((n) => n.rerunsLeft)}::smallint[],
        ${nodes.map((n) => n.isLeaf)}::bool[]
      ) as n(task_id, task_graph_id, name, requires, reruns, reruns_left, is_leaf)
     order by task_id`;

/** The nodes of these tasks, whatever their graph; tasks of no graph have none. */
export const readNodes = (db: Sql, taskIds: string[]) =>
  db<NodeRow>`
    select task_id, task_graph_id, name, requires, reruns, reruns_left, is_leaf
      from task_graph_nodes where task_id = any(${taskIds}::text[])`;

/** All nodes of a graph, by id. */
export const readNodesOf = (db: Sql, taskGraphId: string) =>
  db<NodeRow>`
    select task_id, task_graph_id, name, requires, reruns, reruns_left, is_leaf
      from task_graph_nodes where task_graph_id = any(array[${taskGraphId}::text])
     order by task_graph_id, task_id`;

/** Subtracts one from the remaining reruns of these nodes. The rows of their tasks must be locked. */
export const spendReruns = (tx: Transaction, taskIds: string[]) =>
  tx`update task_graph_nodes set reruns_left = reruns_left - 1 where task_id = any(${taskIds}::text[])`;

/** Marks nodes as inner ones that others require now; returns those that were leaves. Their graph must be locked. */
export const unleaf = async (tx: Transaction, taskIds: string[]): Promise<string[]> => {
  const rows = await tx<{ taskId: string }>`
    update task_graph_nodes set is_leaf = false where task_id = any(${taskIds}::text[]) and is_leaf
    returning task_id`;
  return rows.map((row) => row.taskId);
};

/** Deletes expired graphs with their nodes; returns how many. */
export const deleteExpiredGraphs = async (db: Sql, now: Date, limit: number): Promise<number> => {
  const rows = await db<{ taskGraphId: string }>`
    with expired as (
      select task_graph_id from task_graphs where expires < ${now} limit ${limit} for update skip locked
    ), nodes as (
      delete from task_graph_nodes where task_graph_id = any(array(select task_graph_id from expired))
    )
    delete from task_graphs where task_graph_id = any(array(select task_graph_id from expired))
    returning task_graph_id`;
  return rows.length;
};
