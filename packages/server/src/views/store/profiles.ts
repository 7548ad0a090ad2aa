import type { Sql } from '../../base/index.ts';

/** A task of a group, with unparsed runs, as its profile needs it. Long texts are cut. */
export interface ProfileRow {
  readonly taskId: string;
  readonly state: string;
  readonly name: string;
  readonly owner: string;
  readonly source: string;
  readonly description: string;
  readonly retries: number;
  readonly runs: string;
}

/** The tasks of a group after this one, by id. */
export const readProfileRows = (
  sql: Sql,
  taskGroupId: string,
  { after, limit }: { after: string; limit: number },
) =>
  sql<ProfileRow>`
    select s.task_id, s.state, s.runs, s.retries,
           coalesce(t.definition #>> '{metadata,name}', '') as name,
           coalesce(t.definition #>> '{metadata,owner}', '') as owner,
           left(coalesce(t.definition #>> '{metadata,source}', ''), 1000) as source,
           left(coalesce(t.definition #>> '{metadata,description}', ''), 1000) as description
      from task_status s
     cross join lateral (select definition from readable_tasks where task_id = s.task_id offset 0) as t
     where s.task_group_id = any(array[${taskGroupId}::text]) and s.task_id > ${after}
     order by s.task_group_id, s.task_id
     limit ${limit}`;

export interface LoggedTaskRow {
  readonly taskId: string;
  readonly taskGroupId: string;
  readonly state: string;
  readonly name: string;
  readonly created: string;
}

export const readLoggedTask = async (sql: Sql, taskId: string): Promise<LoggedTaskRow | undefined> => {
  const [row] = await sql<LoggedTaskRow>`
    select s.task_id, s.task_group_id, s.state, t.definition ->> 'created' as created,
           coalesce(t.definition #>> '{metadata,name}', '') as name
      from task_status s
     cross join lateral (select definition from readable_tasks where task_id = s.task_id offset 0) as t
     where s.task_id = ${taskId}`;
  return row;
};
