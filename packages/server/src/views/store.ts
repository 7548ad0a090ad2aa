import type { Sql } from '../base/index.ts';

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
           coalesce(t.definition::json #>> '{metadata,name}', '') as name,
           coalesce((t.definition::json -> 'dependencies')::text, '[]') as dependencies,
           coalesce(t.definition::json ->> 'requires', 'all-completed') as requires
      from task_status s
     cross join lateral (select definition from tasks where task_id = s.task_id offset 0) as t
     where s.task_group_id = any(array[${taskGroupId}::text]) and s.task_id > ${after}
     order by s.task_group_id, s.task_id
     limit ${limit}`;

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
           coalesce(t.definition::json #>> '{metadata,name}', '') as name,
           coalesce(t.definition::json #>> '{metadata,owner}', '') as owner,
           left(coalesce(t.definition::json #>> '{metadata,source}', ''), 1000) as source,
           left(coalesce(t.definition::json #>> '{metadata,description}', ''), 1000) as description
      from task_status s
     cross join lateral (select definition from tasks where task_id = s.task_id offset 0) as t
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
    select s.task_id, s.task_group_id, s.state, t.definition::json ->> 'created' as created,
           coalesce(t.definition::json #>> '{metadata,name}', '') as name
      from task_status s
     cross join lateral (select definition from tasks where task_id = s.task_id offset 0) as t
     where s.task_id = ${taskId}`;
  return row;
};

export const readGroup = async (
  sql: Sql,
  taskGroupId: string,
): Promise<{ readonly taskGroupId: string; readonly expires: Date } | undefined> => {
  const [row] = await sql<{ taskGroupId: string; expires: Date }>`
    select task_group_id, expires from task_groups where task_group_id = ${taskGroupId}`;
  return row;
};

export const hasGroup = async (sql: Sql, taskGroupId: string): Promise<boolean> =>
  (await sql`select task_group_id from task_groups where task_group_id = ${taskGroupId}`).length > 0;

/** The status of a task, and its dependencies. */
export interface StandingRow extends LineRow {
  readonly position: number | null;
  readonly deadline: Date;
}

export const readStanding = async (sql: Sql, taskId: string): Promise<StandingRow | undefined> => {
  const [row] = await sql<StandingRow>`
    select s.task_id, s.state, s.task_queue_id, s.priority, s.runs, s.position, s.deadline,
           coalesce(t.definition::json #>> '{metadata,name}', '') as name,
           coalesce((t.definition::json -> 'dependencies')::text, '[]') as dependencies,
           coalesce(t.definition::json ->> 'requires', 'all-completed') as requires
      from task_status s
     cross join lateral (select definition from tasks where task_id = s.task_id offset 0) as t
     where s.task_id = ${taskId}`;
  return row;
};

export interface EdgeRow {
  readonly taskId: string;
  readonly name: string;
  readonly state: string;
  readonly runs: string;
  readonly allResolved: boolean;
  readonly fromRun: number | null;
}

/** The edges to a task from these of its dependencies. */
export const readEdges = (sql: Sql, dependentTaskId: string, requiredTaskIds: readonly string[]) =>
  sql<EdgeRow>`
    select d.required_task_id as task_id, d.all_resolved, d.from_run, s.state, s.runs,
           coalesce(t.definition::json #>> '{metadata,name}', '') as name
      from task_dependencies d
     cross join lateral (select state, runs from task_status where task_id = d.required_task_id offset 0) as s
     cross join lateral (select definition from tasks where task_id = d.required_task_id offset 0) as t
     where d.required_task_id = any(${requiredTaskIds}::text[]) and d.dependent_task_id = ${dependentTaskId}`;

interface Place {
  readonly taskQueueId: string;
  readonly priority: number;
  readonly position: number;
  readonly runsMax: number;
}

/** How many runs of a task queue are before a place in the line, and how many are claimed. */
export const countBefore = async (
  sql: Sql,
  { taskQueueId, priority, position, runsMax }: Place,
): Promise<{ before: number; running: number }> => {
  const [row] = await sql<{ before: number; running: number }>`
    select (select count(*)::int from (
              select from pending p
               where p.task_queue_id = ${taskQueueId} and (p.priority, p.position) < (${priority}::smallint, ${position}::bigint)
               limit ${runsMax}) as ahead) as before,
           (select count(*)::int from (
              select from claims c where c.task_queue_id = ${taskQueueId} limit ${runsMax}) as held) as running`;
  return row ?? { before: 0, running: 0 };
};

export interface QueueWorkers {
  readonly seen: number;
  readonly quarantined: number;
  readonly lastSeen: Date | null;
}

/** The known workers of a task queue. */
export const countWorkers = async (sql: Sql, taskQueueId: string, now: Date): Promise<QueueWorkers> => {
  const [row] = await sql<QueueWorkers>`
    select count(*)::int as seen, count(*) filter (where quarantine_until > ${now})::int as quarantined,
           max(last_date_active) as last_seen
      from (select quarantine_until, last_date_active from workers
             where task_queue_id = ${taskQueueId} and (expires > ${now} or quarantine_until > ${now})
             limit 1000) as known`;
  return row ?? { seen: 0, quarantined: 0, lastSeen: null };
};

export interface DecisionRow {
  readonly decided: Date;
  readonly action: string;
  readonly reason: string;
  readonly trouble: string | null;
}

/** The last decision about the pool of a task queue. */
export const lastDecision = async (sql: Sql, workerPoolId: string): Promise<DecisionRow | undefined> => {
  const [row] = await sql<DecisionRow>`
    select coalesce(repeated, decided) as decided, action, reason, trouble
      from provisioning_decisions
     where worker_pool_id = any(array[${workerPoolId}::text])
     order by worker_pool_id, decision_id desc
     limit 1`;
  return row;
};

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
        select t.definition::json #>> '{metadata,name}' as name
          from tasks t where t.task_id = wanted.task_group_id offset 0) as own on true
      left join lateral (
        select t.definition::json #>> '{metadata,name}' as name, t.definition::json #>> '{metadata,owner}' as owner,
               s.tags::json ->> 'graph' as graph
          from task_status s
         cross join lateral (select definition from tasks where task_id = s.task_id offset 0) as t
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
}

/** Some tasks, in short. */
export const readShown = (sql: Sql, taskIds: readonly string[]) =>
  sql<ShownRow>`
    select s.task_id, s.task_group_id, s.task_queue_id, s.state, s.runs,
           coalesce(t.definition::json #>> '{metadata,name}', '') as name
      from task_status s
     cross join lateral (select definition from tasks where task_id = s.task_id offset 0) as t
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
