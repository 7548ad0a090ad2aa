-- When a group was created: people look for the newest. Groups that exist have the time of this migration.
alter table task_groups add column created timestamptz not null default date_trunc('milliseconds', now());
-- The time never changes, so updates of a group stay in place.
create index task_groups_by_created on task_groups (created desc, task_group_id desc);
