-- Addresses that nothing is sent to.
create table denied_addresses (
  type text collate "C" not null,
  address text collate "C" not null,
  primary key (type, address)
);

-- What was accepted in the last minutes: the same again is a duplicate, and an address that got too much gets no more.
create table recent_notifications (
  digest text collate "C" primary key,
  type text collate "C" not null,
  address text collate "C" not null,
  accepted_at timestamptz not null
);
create index recent_notifications_by_address on recent_notifications (type, address, accepted_at);
create index recent_notifications_by_time on recent_notifications (accepted_at);

-- What is still to be sent. A row goes when it was sent, or when there is no hope that it can be.
create table outgoing_notifications (
  id bigint generated always as identity primary key,
  digest text collate "C" not null,
  type text collate "C" not null,
  address text collate "C" not null,
  -- a JSON object, as the type wants it
  message text not null,
  attempts int not null default 0,
  -- not before; while somebody sends it this lies ahead, so that nobody else does
  due_at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index outgoing_notifications_by_due_at on outgoing_notifications (due_at, id);
