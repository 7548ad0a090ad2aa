import type { Sql } from '../../base/index.ts';

/** A group with recent messages. */
export interface LateGroupRow {
  readonly taskGroupId: string;
  readonly changedAt: Date;
}

// The words of a routing key: `primary.<taskId>.….<taskGroupId>`. The number of messages that are read is limited.
/** The groups of tasks that the last messages are about, the latest first. */
export const lateGroups = (sql: Sql, { messagesMax, limit }: { messagesMax: number; limit: number }) =>
  sql<LateGroupRow>`
    select split_part(routing_key, '.', 9) as task_group_id, max(created_at) as changed_at
      from (select exchange, created_at, routing_key from outbox order by xid desc, id desc limit ${messagesMax}) as late
     where exchange like 'exchange/taskcluster-queue/v1/task-%' and exchange not like '%/task-group-%'
     group by 1
     order by 2 desc, 1
     limit ${limit}`;

/** The tasks that failed according to the last messages, the latest first. */
export const lateFailures = (sql: Sql, { messagesMax, limit }: { messagesMax: number; limit: number }) =>
  sql<{ taskId: string }>`
    select split_part(routing_key, '.', 2) as task_id, max(created_at) as at
      from (select exchange, created_at, routing_key from outbox order by xid desc, id desc limit ${messagesMax}) as late
     where exchange in ('exchange/taskcluster-queue/v1/task-failed', 'exchange/taskcluster-queue/v1/task-exception')
     group by 1
     order by 2 desc, 1
     limit ${limit}`;

export interface CountRow {
  readonly taskGroupId: string;
  readonly state: string;
  readonly count: number;
  /** Those of them that are uploads of sources: one that failed was told to its user, who has uploaded it again since. */
  readonly uploads: number;
}

/** The task queue of uploads of sources, which the command line alone takes tasks from. */
const uploadsQueueId = 'graph/source';

/** How many tasks of these groups are in each state. */
export const countStates = (sql: Sql, taskGroupIds: readonly string[]) =>
  sql<CountRow>`
    select s.task_group_id, s.state, count(*)::int as count,
           (count(*) filter (where s.task_queue_id = ${uploadsQueueId}))::int as uploads
      from task_status s
     where s.task_group_id = any(${taskGroupIds}::text[])
     group by s.task_group_id, s.state`;

export interface NameRow {
  readonly taskGroupId: string;
  readonly name: string;
  /** Of its first task. */
  readonly owner: string;
}

/**
 * The names of these groups: the tag `graph` of the first task, which is the name of the graph file. Without it, the task
 * with the group's id names the group, or else the first task.
 */
export const nameGroups = (sql: Sql, taskGroupIds: readonly string[]) =>
  sql<NameRow>`
    select wanted.task_group_id, coalesce(first.graph, own.name, first.name, '') as name,
           coalesce(first.owner, '') as owner
      from unnest(${taskGroupIds}::text[]) as wanted(task_group_id)
      left join lateral (
        select t.definition #>> '{metadata,name}' as name
          from readable_tasks t where t.task_id = wanted.task_group_id offset 0) as own on true
      left join lateral (
        select t.definition #>> '{metadata,name}' as name, t.definition #>> '{metadata,owner}' as owner,
               regexp_replace(s.tags, '\\\\u(0000|d[89a-f][0-9a-f]{2})', '\\\\ufffd', 'gi')::json ->> 'graph' as graph
          from task_status s
         cross join lateral (select definition from readable_tasks where task_id = s.task_id offset 0) as t
         where s.task_group_id = any(array[wanted.task_group_id])
         order by s.task_group_id, s.task_id
         limit 1) as first on true`;

export interface ShownRow {
  readonly taskId: string;
  readonly taskGroupId: string;
  readonly taskQueueId: string;
  readonly state: string;
  readonly runs: string;
  readonly name: string;
  readonly created: string;
}

/** Some tasks, in short. */
export const readShown = (sql: Sql, taskIds: readonly string[]) =>
  sql<ShownRow>`
    select s.task_id, s.task_group_id, s.task_queue_id, s.state, s.runs,
           coalesce(t.definition #>> '{metadata,name}', '') as name, t.definition ->> 'created' as created
      from task_status s
     cross join lateral (select definition from readable_tasks where task_id = s.task_id offset 0) as t
     where s.task_id = any(${taskIds}::text[])`;

/** Claimed tasks of these queues, the newest claims of each first. */
export const claimedOf = (sql: Sql, taskQueueIds: readonly string[], limit: number) =>
  sql<{ taskId: string }>`
    select newest.task_id
      from unnest(${taskQueueIds}::text[]) as wanted(task_queue_id)
     cross join lateral (
       select c.task_id, c.claimed_at from claims c
        where c.task_queue_id = wanted.task_queue_id
        order by c.claimed_at desc
        limit ${limit}) as newest
     order by newest.claimed_at desc
     limit ${limit}`;
