insert into raw_tasks (task_queue_id, definition) values ('bench/raw', repeat('x', 1500));
