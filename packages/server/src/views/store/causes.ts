import type { Sql } from '../../base/index.ts';

/** A task that went wrong on its own. */
export interface CauseRow {
  readonly taskId: string;
  /** How many such tasks there are among those that were looked at. */
  readonly found: number;
  /** How many tasks went wrong. */
  readonly wrong: number;
}

/**
 * The tasks of a group that went wrong though nothing of the group that they need did, those first that most others depend on
 * directly. All statuses of the group are read, and the definitions of the first `wrongMax` tasks that went wrong: those
 * first that failed, then those that a worker began, since the others are canceled or late as a rule.
 */
export const readCauses = (
  sql: Sql,
  taskGroupId: string,
  { wrongMax, dependentsMax, limit }: { wrongMax: number; dependentsMax: number; limit: number },
) =>
  sql<CauseRow>`
    with wrong as materialized (
      select s.task_id, (count(*) over ())::int as wrong
        from task_status s
       where s.task_group_id = any(array[${taskGroupId}::text]) and s.state in ('failed', 'exception')
       order by s.state desc, strpos(s.runs, '"started":"') = 0, s.task_id
       limit ${wrongMax}
    ), causes as materialized (
      select w.task_id, w.wrong
        from wrong w
       cross join lateral (select definition from readable_tasks where task_id = w.task_id offset 0) as t
       where coalesce(t.definition ->> 'requires', 'all-completed') = 'all-resolved'
          or not exists (
            select from json_array_elements_text(coalesce(t.definition -> 'dependencies', '[]')) as needed(task_id)
             cross join lateral (
               select state, task_group_id from task_status where task_id = needed.task_id offset 0) as d
             where needed.task_id <> w.task_id and d.task_group_id = ${taskGroupId}
               and d.state in ('failed', 'exception')))
    select c.task_id, (count(*) over ())::int as found, c.wrong
      from causes c
     cross join lateral (
       select count(*) as count
         from (select from task_dependencies
                where required_task_id = c.task_id limit ${dependentsMax}) as dependents) as direct
     order by direct.count desc, c.task_id
     limit ${limit}`;

/** How many tasks of a group did not start because of each of these, directly or not; counted up to `waitingMax`. */
export const countWaiting = (
  sql: Sql,
  taskGroupId: string,
  { taskIds, waitingMax }: { taskIds: readonly string[]; waitingMax: number },
) =>
  sql<{ taskId: string; waiting: number }>`
    select wanted.task_id, reached.waiting
      from unnest(${taskIds}::text[]) as wanted(task_id)
     cross join lateral (
       select count(*)::int as waiting
         from (with recursive kept(task_id) as (
                 select wanted.task_id collate "C"
                 union
                 select d.dependent_task_id
                   from kept
                  cross join lateral (
                    select dependent_task_id from task_dependencies
                     where required_task_id = kept.task_id and not all_resolved offset 0) as d
                  cross join lateral (
                    select state, task_group_id from task_status where task_id = d.dependent_task_id offset 0) as s
                  where s.task_group_id = ${taskGroupId} and s.state in ('unscheduled', 'failed', 'exception'))
               select from kept offset 1 limit ${waitingMax}) as rows) as reached`;

/** Tasks that depend on these, up to `each` of one. One that depends on several may come several times. */
export const readDependents = (
  sql: Sql,
  taskIds: readonly string[],
  { each, limit }: { each: number; limit: number },
) =>
  sql<{ taskId: string }>`
    select d.dependent_task_id as task_id
      from unnest(${taskIds}::text[]) as wanted(task_id)
     cross join lateral (
       select dependent_task_id from task_dependencies
        where required_task_id = wanted.task_id
        order by required_task_id, dependent_task_id
        limit ${each}) as d
     limit ${limit}`;
