-- What people call a task, beside its status: a search among the tasks of a large group would else parse each definition.
-- Null for tasks from before; their names are read from their definitions.
alter table task_status add column name text;

-- Definitions as JSON that can be taken apart: a definition may hold escapes that are no characters (NUL, halves of surrogate
-- pairs), on which PostgreSQL fails wherever they are in it. JSON text writes whole pairs as they are.
create view readable_tasks as
select task_id,
       (case when strpos(definition, '\u') = 0 then definition
             else regexp_replace(definition, '\\u(0000|d[89a-f][0-9a-f]{2})', '\\ufffd', 'gi') end)::json as definition
  from tasks;
