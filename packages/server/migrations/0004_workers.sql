-- Task queues and workers become known when they are seen at work; nothing is declared first. Ids compare by bytes,
-- so that everything of one provisioner is one range of task queues.
create table task_queues (
  task_queue_id text collate "C" primary key,
  expires timestamptz not null,
  last_date_active timestamptz not null
) with (fillfactor = 50);

-- Every claim rewrites the row of its worker. No index names a column that a claim changes, and pages keep room
-- for the next version, so such an update touches one page and leaves nothing for vacuum.
create table workers (
  task_queue_id text collate "C" not null,
  worker_group text collate "C" not null,
  worker_id text collate "C" not null,
  first_claim timestamptz not null,
  last_date_active timestamptz not null,
  expires timestamptz not null,
  -- '<taskId>/<runId>' of the runs claimed last, newest first.
  recent_tasks text[] not null default '{}',
  quarantine_until timestamptz,
  quarantine_details jsonb not null default '[]',
  primary key (task_queue_id, worker_group, worker_id)
) with (fillfactor = 50);

-- Every process keeps the few quarantined workers in memory and reads them anew every few seconds.
create index workers_quarantined on workers (quarantine_until) where quarantine_until is not null;
