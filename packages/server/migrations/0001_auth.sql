-- Who may call: clients with their scopes, roles that add scopes, and who changed either.

-- Processes keep clients and roles in memory; they look here to learn that something has changed.
create table auth_versions (
  subject text primary key check (subject in ('clients', 'roles')),
  version bigint not null
);
insert into auth_versions (subject, version) values ('clients', 1), ('roles', 1);

create table clients (
  client_id text collate "C" primary key,
  description text not null,
  scopes text[] not null,
  -- Encrypted: `<key id>.<base64url>`.
  access_token text not null,
  expires timestamptz not null,
  delete_on_expiration boolean not null,
  disabled boolean not null default false,
  created timestamptz not null,
  last_modified timestamptz not null,
  last_date_used timestamptz not null,
  last_rotated timestamptz not null
);
create index clients_expiring on clients (expires) where delete_on_expiration;

create table roles (
  role_id text collate "C" primary key,
  description text not null,
  scopes text[] not null,
  created timestamptz not null,
  last_modified timestamptz not null
);

-- One row for each change that somebody made to an entity of any service.
create table audit_history (
  id bigint generated always as identity primary key,
  entity_type text not null,
  entity_id text not null,
  action_type text not null,
  client_id text not null,
  created timestamptz not null
);
create index audit_history_of_entity on audit_history (entity_type, entity_id, id);
create index audit_history_by_client on audit_history (client_id, id);
