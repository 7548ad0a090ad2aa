\set id random(1, 60000)
update raw_tasks set state = 'completed' where id = :id;
