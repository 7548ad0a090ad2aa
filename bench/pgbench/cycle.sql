insert into raw_tasks (task_queue_id, definition) values ('bench/raw', repeat('x', 1500)) returning id \gset
update raw_tasks set state = 'running'
 where id = (select id from raw_tasks where task_queue_id = 'bench/raw' and state = 'pending'
              order by id limit 1 for update skip locked);
update raw_tasks set state = 'completed' where id = :id;
