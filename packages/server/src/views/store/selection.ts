import type { Sql } from '../../base/index.ts';
import type { LineRow } from './lines.ts';

/** Which tasks of a group are wanted, and in which order. */
export interface Selection {
  readonly states: readonly string[];
  /** Patterns for ILIKE, all of which fit the name, the task queue or the id. */
  readonly patterns: readonly string[];
  readonly sort: string;
}

/** The place of a task in an order: by a number, then by a text, its name and its id. */
export interface SelectionKey {
  readonly number: number;
  readonly text: string;
  readonly name: string;
  readonly taskId: string;
}

export type SelectedRow = LineRow & SelectionKey;

// Later and longer than any: what comes first in descending order has the smallest number.
const millisecondsMax = 2 ** 50;

/**
 * A page of the tasks of a group that are wanted. It reads the statuses of the whole group whatever the order, since what is
 * sorted by changes and is in no index, and the definitions of the page alone. Times are cut out of the text of the last run:
 * runs are flat objects whose texts hold no braces, and taking JSON apart takes ten times as long.
 */
export const readSelected = (
  sql: Sql,
  { taskGroupId, states, patterns, sort }: Selection & { readonly taskGroupId: string },
  { after, limit }: { after: SelectionKey; limit: number },
) =>
  sql<SelectedRow>`
    with wanted as (
      select task_id, state, task_queue_id, priority, runs, name, number, text
        from (select s.task_id, s.state, s.task_queue_id, s.priority, s.runs,
                     coalesce(s.name,
                       (select t.definition #>> '{metadata,name}' from readable_tasks t where t.task_id = s.task_id),
                       '') collate "C" as name,
                     (case ${sort}::text when 'queue' then s.task_queue_id else '' end) collate "C" as text,
                     case ${sort}::text
                       when 'state' then
                         array_position('{failed,exception,running,pending,unscheduled,completed}', s.state)
                       when 'started' then ${millisecondsMax}::bigint -
                         coalesce(extract(epoch from
                           nullif(split_part(split_part(split_part(s.runs, '},{', -1), '"started":"', 2), '"', 1), '')
                             ::timestamptz) * 1000, 0)
                       when 'duration' then ${millisecondsMax}::bigint -
                         coalesce(extract(epoch from
                           nullif(split_part(split_part(split_part(s.runs, '},{', -1), '"resolved":"', 2), '"', 1), '')
                             ::timestamptz -
                           nullif(split_part(split_part(split_part(s.runs, '},{', -1), '"started":"', 2), '"', 1), '')
                             ::timestamptz) * 1000, 0)
                       else 0 end::bigint as number
                from task_status s
               where s.task_group_id = any(array[${taskGroupId}::text]) and s.state = any(${states}::text[])) as keyed
       where (${patterns}::text[] = '{}'
              or concat_ws(chr(10), name, task_queue_id, task_id) ilike all(${patterns}::text[]))
         and (number, text, name, task_id)
           > (${after.number}::bigint, ${after.text}::text, ${after.name}::text, ${after.taskId}::text)
       order by number, text, name, task_id
       limit ${limit})
    select w.*, coalesce((t.definition -> 'dependencies')::text, '[]') as dependencies,
           coalesce(t.definition ->> 'requires', 'all-completed') as requires
      from wanted w
     cross join lateral (select definition from readable_tasks where task_id = w.task_id offset 0) as t
     order by w.number, w.text, w.name, w.task_id`;

/** How many tasks of a group are in a state, and how many of them fit some words. */
export interface SelectionCountRow {
  readonly state: string;
  readonly count: number;
  readonly fitting: number;
}

/** How many tasks of a group there are by state: all, and those that fit all patterns. */
export const countSelected = (sql: Sql, taskGroupId: string, patterns: readonly string[]) =>
  sql<SelectionCountRow>`
    select state, count(*)::int as count,
           (count(*) filter (
             where ${patterns}::text[] = '{}'
                or concat_ws(chr(10), name, task_queue_id, task_id) ilike all(${patterns}::text[])))::int as fitting
      from (select s.state, s.task_id, s.task_queue_id,
                   coalesce(s.name,
                     (select t.definition #>> '{metadata,name}' from readable_tasks t where t.task_id = s.task_id),
                     '') as name
              from task_status s
             where s.task_group_id = any(array[${taskGroupId}::text])) as named
     group by state`;
