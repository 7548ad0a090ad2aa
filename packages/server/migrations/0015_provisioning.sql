-- The provisioner: what it decided, what is under way, and what it has to know of workers to decide again.
alter table managed_workers
  -- when it registered first; from `created` to here it booted
  add column registered timestamptz,
  -- since when it has nothing to do, as the provisioner saw it
  add column idle_since timestamptz,
  -- a decision keeps it from more work: it goes with its last task
  add column is_draining boolean not null default false,
  -- it went though nobody of us wanted it
  add column is_interrupted boolean not null default false,
  -- when its provider was last told to end it
  add column end_ordered timestamptz;
create index managed_workers_alive on managed_workers (worker_pool_id, worker_group, worker_id)
  where state <> 'stopped';
create index managed_workers_alive_by_provider on managed_workers (provider_id, worker_pool_id)
  where state <> 'stopped';
create index managed_workers_registered on managed_workers (worker_pool_id, registered)
  where registered is not null;
create index managed_workers_ended on managed_workers (last_modified) where state in ('stopping', 'stopped');
create index managed_workers_draining on managed_workers (worker_pool_id) where is_draining and state <> 'stopped';

create table provisioning_decisions (
  decision_id bigint generated always as identity primary key,
  worker_pool_id text collate "C" not null,
  decided timestamptz not null,
  -- how often in a row nothing but to wait was decided, and when last
  times int not null default 1,
  repeated timestamptz,
  action text not null
    check (action in ('launch', 'wait', 'may-leave', 'stay', 'terminate', 'drain', 'resume')),
  launch_config_id text collate "C",
  worker_group text collate "C",
  worker_id text collate "C",
  count int not null,
  reason text not null,
  outcome text not null check (outcome in ('open', 'done', 'partial', 'failed', 'abandoned')),
  -- what stood in the way
  trouble text,
  -- Of a launch: what its provider knows it by, how many workers came of it, and when it is tried again while open.
  token text collate "C" unique,
  provider_id text,
  capacity_per_instance int,
  started int,
  attempts int not null default 0,
  retry_at timestamptz
) with (fillfactor = 70);
create index provisioning_decisions_by_pool on provisioning_decisions (worker_pool_id, decision_id desc);
create index provisioning_decisions_by_age on provisioning_decisions (decided);
create index provisioning_decisions_open on provisioning_decisions (retry_at) where outcome = 'open';

-- Work that one process at a time does: deciding about a pool, sweeping a provider.
create table provisioning_rounds (
  name text collate "C" primary key,
  due_at timestamptz not null
) with (fillfactor = 50);
create index provisioning_rounds_by_due_at on provisioning_rounds (due_at);

-- How long the tasks of pools took lately: a mean over so many of them, the latest counting most. Only of pools whose
-- config asks for what needs it.
create table pool_task_times (
  worker_pool_id text collate "C" primary key,
  tasks float8 not null,
  mean_ms float8 not null
) with (fillfactor = 50);

-- What providers know across restarts and processes.
create table provider_memory (
  provider_id text collate "C" not null,
  name text collate "C" not null,
  -- JSON
  value text not null,
  until timestamptz not null,
  primary key (provider_id, name)
);
create index provider_memory_by_until on provider_memory (until);
