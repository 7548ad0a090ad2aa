-- Tasks by the paths that people look them up by. A path is a namespace and a name: `a.b.c` is `c` in `a.b`, and the
-- root namespace is empty.
create table indexed_tasks (
  namespace text collate "C" not null,
  name text collate "C" not null,
  task_id text collate "C" not null,
  rank bigint not null,
  expires timestamptz not null,
  -- a JSON object
  data text not null,
  primary key (namespace, name)
);
create index indexed_tasks_by_expires on indexed_tasks (expires);
alter table indexed_tasks set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- Namespaces that hold tasks, or namespaces that do. They expire at the end of a day, no earlier than what they hold.
create table index_namespaces (
  parent text collate "C" not null,
  name text collate "C" not null,
  expires timestamptz not null,
  primary key (parent, name)
);
create index index_namespaces_by_expires on index_namespaces (expires);
