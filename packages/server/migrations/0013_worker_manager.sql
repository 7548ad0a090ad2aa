-- Worker pools, their workers, and what went wrong there.
create table worker_pools (
  worker_pool_id text collate "C" primary key,
  provider_id text not null,
  -- Providers that the pool had before, as long as workers of theirs are left.
  previous_provider_ids text[] not null default '{}',
  description text not null,
  -- JSON, without the launch configs.
  config text not null,
  owner text not null,
  email_on_error boolean not null,
  created timestamptz not null,
  last_modified timestamptz not null
);

-- What a launch config says never changes, except how it is chosen (its weight and limits).
create table launch_configs (
  worker_pool_id text collate "C" not null,
  launch_config_id text collate "C" not null,
  -- In the order of the pool's config.
  place int not null,
  is_archived boolean not null,
  -- JSON, with its id in it.
  configuration text not null,
  created timestamptz not null,
  last_modified timestamptz not null,
  primary key (worker_pool_id, launch_config_id)
);

create table managed_workers (
  worker_pool_id text collate "C" not null,
  worker_group text collate "C" not null,
  worker_id text collate "C" not null,
  provider_id text collate "C" not null,
  launch_config_id text collate "C",
  state text not null check (state in ('requested', 'running', 'stopping', 'stopped')),
  capacity int not null,
  created timestamptz not null,
  expires timestamptz not null,
  last_modified timestamptz not null,
  last_checked timestamptz not null,
  -- A worker that is not done by then is removed.
  terminate_after timestamptz,
  -- Digests of the secret that a static worker registers with, and of the one to register again with.
  static_secret_digest text,
  secret_digest text,
  -- What the provider wants to know again: where it runs, who it must prove to be.
  facts jsonb not null default '{}',
  -- Whether the worker should go, as decided last.
  should_terminate boolean not null default false,
  terminate_reason text not null default 'none',
  primary key (worker_pool_id, worker_group, worker_id)
) with (fillfactor = 70);
create index managed_workers_by_expiry on managed_workers (expires);

create table worker_pool_errors (
  error_id text collate "C" primary key,
  worker_pool_id text collate "C" not null,
  launch_config_id text collate "C",
  reported timestamptz not null,
  kind text not null,
  title text not null,
  description text not null,
  -- JSON
  extra text not null
);
create index worker_pool_errors_by_pool on worker_pool_errors (worker_pool_id, reported desc, error_id);
create index worker_pool_errors_by_time on worker_pool_errors (reported);
