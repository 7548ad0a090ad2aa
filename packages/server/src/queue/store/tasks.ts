import { type Sql, type Transaction, together } from '../../base/index.ts';
import { stateOf, type TaskRecord } from '../record.ts';
import type { RunStatus } from '../schema/index.ts';

/** A record as the database returns it: the runs are JSON text. */
export type StatusRow = Omit<TaskRecord, 'runs'> & { readonly state: string; readonly runs: string };

/** Parses the JSON text in a row. */
export const asRecord = ({ state: _, runs, ...row }: StatusRow): TaskRecord => ({
  ...row,
  runs: JSON.parse(runs) as RunStatus[],
});

/** The statuses of tasks with their JSON text unparsed. */
export const readStatusRows = (db: Sql, taskIds: readonly string[]) =>
  db<StatusRow>`
    select task_id, task_queue_id, scheduler_id, project_id, task_group_id, deadline, expires, retries, tags, routes,
           priority, retries_left, state, position, runs
      from task_status where task_id = any(${taskIds}::text[])`;

/** The statuses of tasks. */
export const readRecords = async (db: Sql, taskIds: readonly string[]): Promise<TaskRecord[]> =>
  (await readStatusRows(db, taskIds)).map(asRecord);

/** The statuses of tasks, locked until the transaction ends, in order of ids to prevent deadlocks. */
export const lockRecords = async (tx: Transaction, taskIds: string[]): Promise<TaskRecord[]> => {
  const rows = await tx<StatusRow>`
    select task_id, task_queue_id, scheduler_id, project_id, task_group_id, deadline, expires, retries, tags, routes,
           priority, retries_left, state, position, runs
      from task_status where task_id = any(${taskIds}::text[])
     order by task_id
       for no key update`;
  return rows.map(asRecord);
};

/** The statuses of tasks, with a shared lock: they do not change until the transaction ends. */
export const shareRecords = async (tx: Transaction, taskIds: readonly string[]): Promise<TaskRecord[]> => {
  const rows = await tx<StatusRow>`
    select task_id, task_queue_id, scheduler_id, project_id, task_group_id, deadline, expires, retries, tags, routes,
           priority, retries_left, state, position, runs
      from task_status where task_id = any(${taskIds}::text[])
     order by task_id
       for share`;
  return rows.map(asRecord);
};

/** A task, as far as its dependents are concerned. */
export interface RequiredRow {
  readonly taskId: string;
  readonly state: string;
  readonly lastRunId: number;
  readonly expires: Date;
}

/** Tasks that new tasks depend on. None of them resolves until the transaction ends. */
export const shareRequired = (tx: Transaction, taskIds: string[]) =>
  tx<RequiredRow>`
    select task_id, state, json_array_length(runs::json) - 1 as last_run_id, expires
      from task_status where task_id = any(${taskIds}::text[])
     order by task_id
       for share`;

export interface NewTaskRow {
  readonly record: TaskRecord;
  readonly stored: string;
  readonly definition: { readonly metadata: { readonly name: string } };
}

/**
 * Adds those of these tasks whose ids are free; returns their ids. An id is free in both tables or in neither, so the two
 * inserts need no join. A join of ten thousand rows with ten thousand others, without an index, takes ten seconds.
 */
export const insertTasks = async (tx: Transaction, rows: readonly NewTaskRow[]): Promise<Set<string>> => {
  const records = rows.map((row) => row.record);
  const inserted = await tx<{ taskId: string }>`
    with given as (
      select * from unnest(
        ${records.map((r) => r.taskId)}::text[], ${rows.map((row) => row.stored)}::text[],
        ${records.map((r) => r.taskQueueId)}::text[], ${records.map((r) => r.schedulerId)}::text[],
        ${records.map((r) => r.projectId)}::text[], ${records.map((r) => r.taskGroupId)}::text[],
        ${records.map((r) => r.deadline)}::timestamptz[], ${records.map((r) => r.expires)}::timestamptz[],
        ${records.map((r) => r.retries)}::smallint[], ${records.map((r) => r.tags)}::text[],
        ${records.map((r) => JSON.stringify(r.routes))}::text[], ${records.map((r) => r.priority)}::smallint[],
        ${records.map((r) => r.retriesLeft)}::smallint[], ${records.map(stateOf)}::text[],
        ${records.map((r) => r.position)}::bigint[], ${records.map((r) => JSON.stringify(r.runs))}::text[],
        ${rows.map((row) => row.definition.metadata.name.replaceAll('\0', '\ufffd'))}::text[]
      ) as g(task_id, definition, task_queue_id, scheduler_id, project_id, task_group_id, deadline, expires, retries,
             tags, routes, priority, retries_left, state, position, runs, name)
    ), defined as (
      insert into tasks (task_id, definition) select task_id, definition from given order by task_id
      on conflict (task_id) do nothing
    )
    insert into task_status (task_id, task_queue_id, scheduler_id, project_id, task_group_id, deadline, expires,
                             retries, tags, routes, priority, retries_left, state, position, runs, name)
    select task_id, task_queue_id, scheduler_id, project_id, task_group_id, deadline, expires, retries, tags,
           case when routes = '[]' then '{}' else array(select json_array_elements_text(routes::json)) end,
           priority, retries_left, state, position, runs, name
      from given
     order by task_id
    on conflict (task_id) do nothing
    returning task_id`;
  return new Set(inserted.map((row) => row.taskId));
};

/** Writes the fields of tasks that can change. Their rows must be locked. */
export const saveRecords = (tx: Transaction, records: readonly TaskRecord[]) =>
  tx`
    update task_status s
       set priority = n.priority, retries_left = n.retries_left, state = n.state, position = n.position, runs = n.runs
      from unnest(
        ${records.map((r) => r.taskId)}::text[], ${records.map((r) => r.priority)}::smallint[],
        ${records.map((r) => r.retriesLeft)}::smallint[], ${records.map(stateOf)}::text[],
        ${records.map((r) => r.position)}::bigint[], ${records.map((r) => JSON.stringify(r.runs))}::text[]
      ) as n(task_id, priority, retries_left, state, position, runs)
     where s.task_id = any(array[n.task_id])`;

/** A stored definition (JSON text without the priority), and the priority. */
export interface DefinitionRow {
  readonly taskId: string;
  readonly definition: string;
  readonly priority: number;
}

export const readDefinitions = (db: Sql, taskIds: string[]) =>
  db<DefinitionRow>`
    select t.task_id, t.definition, s.priority
      from tasks t
     cross join lateral (select priority from task_status where task_id = t.task_id offset 0) as s
     where t.task_id = any(${taskIds}::text[])`;

export type TaskRow = StatusRow & { readonly definition: string };

/** Definitions and statuses of tasks. */
export const readTaskRows = (db: Sql, taskIds: string[]) =>
  db<TaskRow>`
    select s.task_id, s.task_queue_id, s.scheduler_id, s.project_id, s.task_group_id, s.deadline, s.expires, s.retries,
           s.tags, s.routes, s.priority, s.retries_left, s.state, s.position, s.runs, t.definition
      from task_status s
     cross join lateral (select definition from tasks where task_id = s.task_id offset 0) as t
     where s.task_id = any(${taskIds}::text[])
     order by s.task_id`;

/** A page of the tasks of a group, by id. */
export const readGroupPage = (db: Sql, taskGroupId: string, after: string, limit: number) =>
  db<TaskRow>`
    select s.task_id, s.task_queue_id, s.scheduler_id, s.project_id, s.task_group_id, s.deadline, s.expires, s.retries,
           s.tags, s.routes, s.priority, s.retries_left, s.state, s.position, s.runs, t.definition
      from task_status s
     cross join lateral (select definition from tasks where task_id = s.task_id offset 0) as t
     where s.task_group_id = any(array[${taskGroupId}::text]) and s.task_id > ${after}
     order by s.task_group_id, s.task_id
     limit ${limit}`;

/** Ids of the tasks of a group that are not resolved and whose deadline has not passed, by id. */
export const unresolvedInGroup = async (db: Sql, taskGroupId: string, now: Date): Promise<string[]> => {
  const rows = await db<{ taskId: string }>`
    select task_id from task_status
     where task_group_id = any(array[${taskGroupId}::text]) and state in ('unscheduled', 'pending', 'running')
       and deadline > ${now}
     order by task_group_id, task_id`;
  return rows.map((row) => row.taskId);
};

/** Ids of the tasks of a group that failed or ended as an exception and whose deadline has not passed, by id. */
export const failedInGroup = async (db: Sql, taskGroupId: string, now: Date): Promise<string[]> => {
  const rows = await db<{ taskId: string }>`
    select task_id from task_status
     where task_group_id = any(array[${taskGroupId}::text]) and state in ('failed', 'exception')
       and deadline > ${now}
     order by task_group_id, task_id`;
  return rows.map((row) => row.taskId);
};

/**
 * Those of these tasks that nobody needs any more: they are resolved, as are all tasks of their groups and all that depend
 * on them. The edges are read where they are, since a task may have ten thousand.
 */
export const settledAmong = async (db: Sql, taskIds: readonly string[]): Promise<string[]> => {
  const rows = await db<{ taskId: string }>`
    select wanted.task_id
      from unnest(${taskIds}::text[]) as wanted(task_id)
     cross join lateral (
       select state, task_group_id from task_status where task_id = wanted.task_id offset 0) as s
     where s.state in ('completed', 'failed', 'exception')
       and not exists (select from task_groups g where g.task_group_id = s.task_group_id and g.unresolved > 0 offset 0)
       and not exists (select from task_group_growth w where w.task_group_id = s.task_group_id offset 0)
       and not exists (
         select from task_dependencies d
          cross join lateral (select state from task_status where task_id = d.dependent_task_id offset 0) as t
          where d.required_task_id = wanted.task_id and t.state in ('unscheduled', 'pending', 'running') offset 0)`;
  return rows.map((row) => row.taskId);
};

/**
 * Locks these tasks and all that depend on them until the transaction ends, so that none is created, run again or resolved
 * meanwhile. What {@link settledAmong} returns in the same transaction stays true until its end.
 */
export const lockWithDependents = (tx: Transaction, taskIds: readonly string[]) =>
  tx`
    select locked.task_id
      from (select task_id collate "C" as task_id from unnest(${taskIds}::text[]) as given(task_id)
            union
            select d.task_id collate "C"
              from unnest(${taskIds}::text[]) as given(task_id)
             cross join lateral (
               select dependent_task_id as task_id from task_dependencies
                where required_task_id = given.task_id offset 0) as d
             order by 1) as wanted
     cross join lateral (
       select task_id from task_status where task_id = wanted.task_id for no key update) as locked`;

export const countGroup = async (db: Sql, taskGroupId: string): Promise<number> => {
  const [row] = await db<{ size: number }>`
    select count(*)::int as size from task_status where task_group_id = ${taskGroupId}`;
  return row?.size ?? 0;
};

/** Tasks that expired, at most `limit`. */
export const expiredTasks = (tx: Transaction, now: Date, limit: number) =>
  tx<{ taskId: string; state: string }>`
    select task_id, state from task_status where expires < ${now} limit ${limit} for update skip locked`;

/** Deletes tasks with everything that the queue stores about them. */
export const deleteTasks = (tx: Transaction, taskIds: string[]) =>
  together(
    tx`delete from pending p using task_status s
        where s.task_id = any(${taskIds}::text[])
          and p.task_queue_id = any(array[s.task_queue_id]) and p.priority = any(array[s.priority])
          and p.position = any(array[s.position]) and p.task_id = any(array[s.task_id])`,
    tx`delete from claims where task_id = any(${taskIds}::text[])`,
    tx`delete from task_status where task_id = any(${taskIds}::text[])`,
    tx`delete from tasks where task_id = any(${taskIds}::text[])`,
  );
