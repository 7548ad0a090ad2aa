-- When a message was accepted: one that the other side asks us to send later is given up a day after that.
alter table outgoing_notifications add column accepted_at timestamptz not null default now();
-- What waits for a room goes in order: whether something older waits for it is asked with each take.
create index outgoing_notifications_by_address on outgoing_notifications (type, address, id);

-- Newer than that index, for the reason in 0025.
create unique index outgoing_notifications_new_pkey on outgoing_notifications (id);
alter table outgoing_notifications drop constraint outgoing_notifications_pkey;
alter table outgoing_notifications
  add constraint outgoing_notifications_pkey primary key using index outgoing_notifications_new_pkey;
