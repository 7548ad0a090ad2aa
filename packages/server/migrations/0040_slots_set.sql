-- When each slot was set, by the clock of the database, which all processes share: one that was set in the future was so
-- before that clock was set back, and is counted from now.
alter table hook_slots add column set_at timestamptz not null default '-infinity';
create index hook_slots_by_setting on hook_slots (set_at);
