-- Up to where the services of this platform have handled the messages that they subscribe to: after message `after_id` of
-- the step between two snapshots, as in `relay`. Whoever handles a page holds the lock on the row.
create table subscriptions (
  name text collate "C" primary key,
  since pg_snapshot not null,
  until pg_snapshot not null,
  after_id bigint not null default 0,
  -- How often the page at this place has failed, and when it is tried again.
  attempts int not null default 0,
  retry_at timestamptz,
  -- So many of the next messages are handled one by one, since a page with one of them failed.
  singly int not null default 0,
  -- Messages that were given up.
  skipped bigint not null default 0
) with (fillfactor = 50);
alter table subscriptions set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_cost_delay = 0);
