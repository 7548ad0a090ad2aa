-- Caches that workers of a pool are to throw away, as far as they are from before a time.
create table purge_requests (
  worker_pool_id text collate "C" not null,
  cache_name text collate "C" not null,
  before timestamptz not null,
  expires timestamptz not null,
  primary key (worker_pool_id, cache_name)
);
create index purge_requests_by_expires on purge_requests (expires);
