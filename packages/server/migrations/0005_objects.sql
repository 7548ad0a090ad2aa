-- What the object service knows of each object. The bytes lie in a backend.
create table objects (
  name text collate "C" primary key,
  project_id text not null,
  upload_id text not null,
  backend_id text not null,
  expires timestamptz not null,
  -- null once the upload is finished; until then the object cannot be read, and goes when this time has
  -- passed
  upload_expires timestamptz,
  hashes jsonb not null
);
create index objects_by_expires on objects (expires);
create index objects_by_upload_expires on objects (upload_expires) where upload_expires is not null;
