-- Ids that operators gave to workers whose records have been deleted: nobody gets one of them again.
create table former_workers (
  worker_pool_id text collate "C" not null,
  worker_group text collate "C" not null,
  worker_id text collate "C" not null,
  primary key (worker_pool_id, worker_group, worker_id)
);
