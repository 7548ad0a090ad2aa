-- What was asked for: written once. The priority, which may change, is kept with the status.
create table tasks (
  task_id text collate "C" primary key,
  definition text not null
);

-- Where each task stands: narrow, updated in place (no mutable column is indexed, and pages keep room).
create table task_status (
  task_id text collate "C" primary key,
  task_queue_id text collate "C" not null,
  scheduler_id text not null,
  project_id text not null,
  task_group_id text collate "C" not null,
  deadline timestamptz not null,
  expires timestamptz not null,
  retries smallint not null,
  tags text not null,
  routes text[] not null,
  -- 0 is the most urgent
  priority smallint not null check (priority between 0 and 6),
  retries_left smallint not null,
  state text not null check (state in ('unscheduled', 'pending', 'running', 'completed', 'failed', 'exception')),
  -- the place in the line of pending tasks, in microseconds since 1970; null unless pending
  position bigint,
  -- JSON, as the API shows them
  runs text not null
) with (fillfactor = 70);
create index task_status_by_group on task_status (task_group_id, task_id);
create index task_status_by_deadline on task_status (deadline, task_id);
create index task_status_by_expires on task_status using brin (expires) with (pages_per_range = 32);
alter table task_status set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0);

-- Runs that wait for a worker. Rows come and go; they are never updated, except by a change of priority.
create table pending (
  task_queue_id text collate "C" not null,
  priority smallint not null,
  position bigint not null,
  task_id text collate "C" not null,
  run_id smallint not null,
  deadline timestamptz not null,
  primary key (task_queue_id, priority, position, task_id)
);
alter table pending set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_cost_delay = 0);

-- Runs that a worker holds. No index on the time: the table is small, and a reclaim then updates in place.
create table claims (
  task_id text collate "C" primary key,
  run_id smallint not null,
  task_queue_id text collate "C" not null,
  worker_group text not null,
  worker_id text not null,
  claimed_at timestamptz not null,
  taken_until timestamptz not null,
  deadline timestamptz not null
) with (fillfactor = 60);
create index claims_by_queue on claims (task_queue_id, claimed_at, task_id);
alter table claims set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_cost_delay = 0);

create table task_groups (
  task_group_id text collate "C" primary key,
  scheduler_id text not null,
  expires timestamptz not null,
  sealed timestamptz,
  -- tasks that were never resolved; at 0 the group is resolved
  unresolved int not null default 0
) with (fillfactor = 50);
create index task_groups_by_expires on task_groups using brin (expires);
alter table task_groups set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_cost_delay = 0);

-- One row for each edge, never updated. The edge is satisfied by the first fitting resolution of the required task in
-- run `from_run` or later; null when it was satisfied from the start.
create table task_dependencies (
  required_task_id text collate "C" not null,
  dependent_task_id text collate "C" not null,
  all_resolved boolean not null,
  from_run smallint,
  primary key (required_task_id, dependent_task_id)
);

-- Tasks that still wait for dependencies, and for how many.
create table blocked_tasks (
  task_id text collate "C" primary key,
  unmet int not null
) with (fillfactor = 70);
alter table blocked_tasks set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_cost_delay = 0);

-- Resolutions with more dependents than one transaction releases: how far the release has come.
create table dependency_releases (
  required_task_id text collate "C" not null,
  run_id smallint not null,
  completed boolean not null,
  completed_before smallint not null,
  resolved_before smallint not null,
  after_task_id text collate "C" not null,
  primary key (required_task_id, run_id)
);

-- How far the deadline loop has come.
create table deadline_cursor (
  only_row boolean primary key default true check (only_row),
  deadline timestamptz not null,
  task_id text collate "C" not null
);
insert into deadline_cursor (deadline, task_id) values ('epoch', '');
