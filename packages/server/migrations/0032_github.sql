-- What GitHub has sent: kept before anything is done about it, and for a while after it, so that one that comes again is known.
create table github_deliveries (
  event_id text collate "C" primary key,
  -- as the header names it
  event_type text not null,
  organization text not null,
  repository text not null,
  -- null where GitHub did not say
  installation_id bigint,
  -- JSON as it came; empty once everything is done
  payload text not null,
  received_at timestamptz not null,
  -- null once everything is done
  due_at timestamptz,
  attempts int not null default 0,
  -- a comment that is still to be written
  comment text,
  -- what came of it, in words
  outcome text
) with (autovacuum_vacuum_scale_factor = 0.05);
create index github_deliveries_due on github_deliveries (due_at) where due_at is not null;
create index github_deliveries_by_age on github_deliveries (received_at);

-- Groups of tasks that were made for events.
create table github_builds (
  task_group_id text collate "C" not null,
  -- as GitHub spells them
  organization text not null,
  repository text not null,
  -- the same in lower case with % for periods: what people look for
  organization_key text collate "C" not null,
  repository_key text collate "C" not null,
  sha text collate "C" not null,
  branch text not null,
  pull_request_number int,
  event_type text not null,
  event_id text not null,
  installation_id bigint not null,
  reporting text not null check (reporting in ('checks', 'statuses')),
  state text not null check (state in ('pending', 'success', 'error', 'failure', 'cancelled')),
  created timestamptz not null,
  updated timestamptz not null,
  -- null while a task of the group is not resolved
  ended_at timestamptz,
  -- null unless its tasks are still to be canceled
  cancel_due_at timestamptz
) with (fillfactor = 80);
create index github_builds_by_time on github_builds (created desc, task_group_id desc);
create index github_builds_by_repository
  on github_builds (repository_key, organization_key, created desc, task_group_id desc);
create index github_builds_to_cancel on github_builds (cancel_due_at) where cancel_due_at is not null;
-- The newest index of a table is the one that plans made for empty tables take: see migration 0025.
alter table github_builds add primary key (task_group_id);

-- What GitHub was told of each of these groups and, where it shows check runs, of their tasks.
create table github_reports (
  id text collate "C" not null,
  kind text collate "C" not null check (kind in ('task', 'group')),
  task_group_id text collate "C" not null references github_builds on delete cascade,
  check_run_id bigint,
  -- a digest of what GitHub was told last
  reported text,
  -- goes up with each thing that happens: a report that was overtaken is made again
  changes int not null default 1,
  -- null while there is nothing to report
  due_at timestamptz,
  -- a process reports it until then
  taken_until timestamptz,
  attempts int not null default 0,
  primary key (id, kind)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index github_reports_due on github_reports (due_at) where due_at is not null;
create index github_reports_by_check_run on github_reports (check_run_id);
create index github_reports_by_group on github_reports (task_group_id);
