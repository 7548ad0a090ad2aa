-- A pool in which nothing new is started for now, and the latest figures of each pool for whoever watches them.
alter table worker_pools
  add column paused timestamptz,
  add column pause_reason text;

alter table provisioning_rounds
  -- capacity that the pool wants: what is there or coming, and what was to be started
  add column wanted_capacity int,
  add column idle_capacity int,
  -- of the workers whose price is known
  add column usd_per_hour float8;
