-- Somebody whom an identity provider has named has no client: their session holds what they may do, in scopes that roles
-- give a meaning. Null for sessions of clients, which may do what their client may.
alter table sessions add column scopes text[];
