update raw_tasks set state = 'running'
 where id = (select id from raw_tasks where task_queue_id = 'bench/raw' and state = 'pending'
              order by id limit 1 for update skip locked);
