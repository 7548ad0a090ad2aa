-- Graphs of tasks: what was asked for besides the tasks, and how the whole stands.
create table task_graphs (
  task_graph_id text collate "C" primary key,
  state text not null check (state in ('running', 'blocked', 'finished')),
  -- tasks that none of the graph requires and that have never completed; at 0 the graph is finished
  leaves_left int not null,
  scopes text[] not null,
  routes text[] not null,
  -- JSON, as the API shows them
  metadata text not null,
  tags text not null,
  -- of the request that created the graph: it tells a repetition from another graph under the same id
  digest text not null,
  expires timestamptz not null
) with (fillfactor = 70);
create index task_graphs_by_expires on task_graphs using brin (expires);

-- What a graph knows of its tasks that the queue does not. How they stand is in task_status.
create table task_graph_nodes (
  task_id text collate "C" primary key,
  task_graph_id text collate "C" not null,
  name text not null,
  requires text[] not null,
  reruns smallint not null,
  reruns_left smallint not null,
  -- no other task of the graph requires it
  is_leaf boolean not null
) with (fillfactor = 90);
create index task_graph_nodes_by_graph on task_graph_nodes (task_graph_id, task_id);
