-- What each pool had and cost, for a week: sums over some rounds of the provisioner in each quarter of an hour.
create table pool_samples (
  worker_pool_id text collate "C" not null,
  begins timestamptz not null,
  -- the time of the last round that was counted
  sampled timestamptz not null,
  rounds int not null,
  workers bigint not null,
  running bigint not null,
  idle bigint not null,
  usd_per_hour float8 not null,
  -- workers whose price is not known
  unpriced bigint not null
) with (fillfactor = 50);
create index pool_samples_by_begins on pool_samples (begins);
-- The key comes last, so that plans made while the table is empty take it.
alter table pool_samples add constraint pool_samples_pkey primary key (worker_pool_id, begins);
