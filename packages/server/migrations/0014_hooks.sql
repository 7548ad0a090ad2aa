-- Hooks: templates of tasks, and what makes tasks of them.
create table hooks (
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  -- JSON, as the API shows them
  metadata text not null,
  task text not null,
  bindings text not null,
  schedule text not null,
  trigger_schema text not null,
  -- encrypted
  trigger_token text not null,
  primary key (hook_group_id, hook_id)
);
create index hooks_with_bindings on hooks (hook_group_id, hook_id) where bindings <> '[]';

-- When a hook with a schedule fires next: what changes at each fire is kept apart from what does not.
create table hook_slots (
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  fires_at timestamptz not null,
  primary key (hook_group_id, hook_id),
  foreign key (hook_group_id, hook_id) references hooks on delete cascade
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index hook_slots_by_time on hook_slots (fires_at);

-- What became of each fire.
create table hook_fires (
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  task_id text collate "C" not null,
  fired_by text not null check (fired_by in ('schedule', 'triggerHook', 'triggerHookWithToken', 'pulseMessage')),
  fired_at timestamptz not null,
  -- null when the task was created
  error text,
  -- of the payload: it tells a repeated call from another one with the same taskId
  digest text not null,
  primary key (hook_group_id, hook_id, task_id),
  foreign key (hook_group_id, hook_id) references hooks on delete cascade
);
create index hook_fires_latest on hook_fires (hook_group_id, hook_id, fired_at desc, task_id desc);
create index hook_fires_by_age on hook_fires (fired_at);

-- Messages that fit the bindings of a hook, until it has fired.
create table hook_messages (
  id bigint generated always as identity primary key,
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  task_id text collate "C" not null,
  -- JSON
  payload text not null,
  foreign key (hook_group_id, hook_id) references hooks on delete cascade
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index hook_messages_by_hook on hook_messages (hook_group_id, hook_id);
