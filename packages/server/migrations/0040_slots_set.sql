-- When each slot was set, by the clock of the database, which all processes share. A time in the future tells that this clock
-- was set back since; such a slot is set anew.
alter table hook_slots add column set_at timestamptz not null default '-infinity';
create index hook_slots_by_setting on hook_slots (set_at);
