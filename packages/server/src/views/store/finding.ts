import type { Sql } from '../../base/index.ts';

/** A group in a listing. */
export interface FoundGroupRow {
  readonly taskGroupId: string;
  readonly created: Date;
  readonly sealed: Date | null;
}

/** The last group of a page of a listing. */
export interface AfterGroup {
  readonly created: Date;
  readonly taskGroupId: string;
}

/** Groups, the newest first, that were created no earlier than this. */
export const readNewestGroups = (
  sql: Sql,
  { after, since, limit }: { after: AfterGroup; since: Date; limit: number },
) =>
  sql<FoundGroupRow>`
    select task_group_id, created, sealed
      from task_groups
     where (created, task_group_id) < (${after.created}::timestamptz, ${after.taskGroupId}::text) and created >= ${since}
     order by created desc, task_group_id desc
     limit ${limit}`;

/** One group, as listings show it. */
export const readFoundGroup = (sql: Sql, taskGroupId: string) =>
  sql<FoundGroupRow>`
    select task_group_id, created, sealed from task_groups where task_group_id = ${taskGroupId}`;

/** A task in a listing, with unparsed JSON. */
export interface FoundTaskRow {
  readonly created: Date;
  readonly taskGroupId: string;
  readonly taskId: string;
  readonly taskQueueId: string;
  readonly state: string;
  readonly tags: string;
  readonly routes: string[];
}

/** Tasks of all groups: those of the newest groups first, within a group by id. */
export const readNewestTasks = (
  sql: Sql,
  { after, since, limit }: { after: AfterGroup & { taskId: string }; since: Date; limit: number },
) =>
  sql<FoundTaskRow>`
    select g.created, g.task_group_id, s.task_id, s.task_queue_id, s.state, s.tags, s.routes
      from task_groups g
     cross join lateral (
       select task_id, task_queue_id, state, tags, routes from task_status
        where task_group_id = g.task_group_id offset 0) as s
     where (g.created, g.task_group_id) <= (${after.created}::timestamptz, ${after.taskGroupId}::text)
       and g.created >= ${since}
       and not (g.task_group_id = ${after.taskGroupId} and s.task_id <= ${after.taskId})
     order by g.created desc, g.task_group_id desc, s.task_id
     limit ${limit}`;
