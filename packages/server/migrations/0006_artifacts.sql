-- What hangs from runs. Bytes lie in a backend, by the key <taskId>/<runId>/<name>, or in the object service.
create table artifacts (
  task_id text collate "C" not null,
  run_id int not null,
  name text collate "C" not null,
  storage_type text not null check (storage_type in ('s3', 'object', 'reference', 'link', 'error')),
  content_type text not null,
  content_length bigint,
  -- JSON text, by storage type: object {uploadId, projectId}, reference {url}, link {artifact}, error
  -- {reason, message}
  details text not null,
  -- false for an object whose upload is not finished
  present boolean not null,
  expires timestamptz not null,
  primary key (task_id, run_id, name)
);
create index artifacts_by_expires on artifacts (expires);
