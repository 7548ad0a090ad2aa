-- Messages, written in the transaction of the change that they report and never updated. Readers go by the snapshots
-- in which a row became visible, so a transaction that commits late is never skipped; within one step forward `id`
-- gives the order.
create table outbox (
  id bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  created_at timestamptz not null,
  exchange text not null,
  routing_key text not null,
  routes text[] not null,
  payload text not null
);
create index outbox_by_transaction on outbox (xid, id);
alter table outbox set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- Up to which transaction messages have been deleted: who resumes from before that has missed some.
create table outbox_trim (
  only_row boolean primary key default true check (only_row),
  trimmed_xid xid8 not null
);
insert into outbox_trim (trimmed_xid) values ('0');
