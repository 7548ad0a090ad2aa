-- Tasks that were added to a group and are not counted into it yet. Whoever adds tasks leaves the group's own row alone: it
-- would stay locked until the commit, and everybody else who adds to the group or resolves a task of it would wait for that.
create table task_group_growth (
  task_group_id text collate "C" not null,
  tasks int not null,
  -- the group is needed until then
  expires timestamptz not null
);
create index task_group_growth_by_group on task_group_growth (task_group_id);
alter table task_group_growth set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_cost_delay = 0);
