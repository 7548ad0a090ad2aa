-- Secrets: what tasks and workers may read by its name, until it expires.
create table secrets (
  name text collate "C" primary key,
  -- encrypted: a JSON object
  secret text not null,
  expires timestamptz not null
);
create index secrets_by_expires on secrets (expires);
-- Those under an old key are found to be encrypted anew.
create index secrets_by_key on secrets (split_part(secret, '.', 1));
