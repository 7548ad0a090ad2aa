import type { Sql } from '../../base/index.ts';

/** A task of a group, with unparsed JSON. */
export interface LineRow {
  readonly taskId: string;
  readonly name: string;
  readonly state: string;
  readonly taskQueueId: string;
  readonly priority: number;
  readonly dependencies: string;
  readonly requires: string;
  readonly runs: string;
}

/** A page of the tasks of a group, by id. */
export const readLines = (
  sql: Sql,
  taskGroupId: string,
  { after, limit }: { after: string; limit: number },
) =>
  sql<LineRow>`
    select s.task_id, s.state, s.task_queue_id, s.priority, s.runs,
           coalesce(t.definition #>> '{metadata,name}', '') as name,
           coalesce((t.definition -> 'dependencies')::text, '[]') as dependencies,
           coalesce(t.definition ->> 'requires', 'all-completed') as requires
      from task_status s
     cross join lateral (select definition from readable_tasks where task_id = s.task_id offset 0) as t
     where s.task_group_id = any(array[${taskGroupId}::text]) and s.task_id > ${after}
     order by s.task_group_id, s.task_id
     limit ${limit}`;

/** These tasks of a group, by id; those of other groups are left out. */
export const readLinesOf = (sql: Sql, taskGroupId: string, taskIds: readonly string[]) =>
  sql<LineRow>`
    select s.task_id, s.state, s.task_queue_id, s.priority, s.runs,
           coalesce(t.definition #>> '{metadata,name}', '') as name,
           coalesce((t.definition -> 'dependencies')::text, '[]') as dependencies,
           coalesce(t.definition ->> 'requires', 'all-completed') as requires
      from unnest(${taskIds}::text[]) as wanted(task_id)
     cross join lateral (
       select task_id, task_group_id, state, task_queue_id, priority, runs
         from task_status where task_id = wanted.task_id offset 0) as s
     cross join lateral (select definition from readable_tasks where task_id = s.task_id offset 0) as t
     where s.task_group_id = ${taskGroupId}
     order by s.task_id`;
