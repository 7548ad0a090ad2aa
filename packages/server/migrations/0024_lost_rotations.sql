-- The secret before the present one: a worker whose reply was lost comes once more with it, until this time.
alter table managed_workers
  add column previous_secret_digest text,
  add column previous_secret_until timestamptz;
