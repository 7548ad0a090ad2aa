-- Which process of the deployment holds the tunnel of a worker, for viewers who reach another one. Rows come with a
-- tunnel, are prolonged while it is open, and go when the worker ends it or has been away for too long.
create table tunnels (
  tunnel_id text collate "C" primary key,
  -- One connection of the worker: what has broken must not remove what replaced it.
  holder text collate "C" not null,
  -- Where other processes reach the one that holds it; empty where there are none.
  address text not null,
  expires timestamptz not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1);

create index tunnels_by_expiry on tunnels (expires);
