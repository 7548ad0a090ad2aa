-- Up to where messages have been published to the broker: after message `after_id` of the step between two snapshots.
-- Whoever publishes holds the lock on the row. The first relay begins with the oldest message that is still there.
create table relay (
  only_row boolean primary key default true check (only_row),
  since pg_snapshot not null,
  until pg_snapshot not null,
  after_id bigint not null,
  -- Messages that the broker would not take.
  skipped bigint not null default 0
);
insert into relay (since, until, after_id) values ('1:1:', '1:1:', 0);

-- A long step, after the broker was away, is read page by page in this order.
create index outbox_by_id on outbox (id);
