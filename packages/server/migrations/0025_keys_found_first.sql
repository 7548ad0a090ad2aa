-- Of several indexes that a planner holds for equally good, PostgreSQL takes the newest; and while a table is empty, all are
-- equally good that contain a wanted column anywhere. The ones to look things up by are made anew here, to be the newest: a
-- plan that was made while a table was empty would else search an index that begins with another column, from end to end.
-- Whoever adds an index that contains columns of a key makes the key anew after it; the test of plans says when.

create unique index task_status_new_pkey on task_status (task_id);
alter table task_status drop constraint task_status_pkey;
alter table task_status add constraint task_status_pkey primary key using index task_status_new_pkey;

create unique index claims_new_pkey on claims (task_id);
alter table claims drop constraint claims_pkey;
alter table claims add constraint claims_pkey primary key using index claims_new_pkey;

create unique index task_groups_new_pkey on task_groups (task_group_id);
alter table task_groups drop constraint task_groups_pkey;
alter table task_groups add constraint task_groups_pkey primary key using index task_groups_new_pkey;

create unique index task_graph_nodes_new_pkey on task_graph_nodes (task_id);
alter table task_graph_nodes drop constraint task_graph_nodes_pkey;
alter table task_graph_nodes add constraint task_graph_nodes_pkey primary key using index task_graph_nodes_new_pkey;

create unique index outgoing_notifications_new_pkey on outgoing_notifications (id);
alter table outgoing_notifications drop constraint outgoing_notifications_pkey;
alter table outgoing_notifications
  add constraint outgoing_notifications_pkey primary key using index outgoing_notifications_new_pkey;

create unique index provisioning_decisions_new_pkey on provisioning_decisions (decision_id);
alter table provisioning_decisions drop constraint provisioning_decisions_pkey;
alter table provisioning_decisions
  add constraint provisioning_decisions_pkey primary key using index provisioning_decisions_new_pkey;

drop index managed_workers_alive;
create index managed_workers_alive on managed_workers (worker_pool_id, worker_group, worker_id) where state <> 'stopped';

drop index worker_pool_errors_by_time;
create index worker_pool_errors_by_time on worker_pool_errors (reported);
