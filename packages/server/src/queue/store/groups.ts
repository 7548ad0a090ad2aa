import { type Sql, type Transaction, together } from '../../base/index.ts';

/** A task group. */
export interface GroupRow {
  readonly taskGroupId: string;
  readonly schedulerId: string;
  readonly expires: Date;
  readonly sealed: Date | null;
}

export const readGroups = (db: Sql, taskGroupIds: string[]) =>
  db<GroupRow>`
    select task_group_id, scheduler_id, expires, sealed from task_groups
     where task_group_id = any(${taskGroupIds}::text[])`;

/** A group, including tasks that are not counted yet. */
export const readGroup = async (db: Sql, taskGroupId: string): Promise<GroupRow | undefined> => {
  const [group] = await db<GroupRow>`
    select g.task_group_id, g.scheduler_id, g.sealed,
           greatest(g.expires, (select max(w.expires) from task_group_growth w
                                 where w.task_group_id = g.task_group_id)) as expires
      from task_groups g where g.task_group_id = ${taskGroupId}`;
  return group;
};

export type NewGroup = Omit<GroupRow, 'sealed'>;

/** Adds those of these groups that do not exist. */
export const insertGroups = (tx: Transaction, groups: readonly NewGroup[], now: Date) =>
  tx`
    insert into task_groups (task_group_id, scheduler_id, expires, created)
    select given.*, ${now}::timestamptz from unnest(
      ${groups.map((g) => g.taskGroupId)}::text[], ${groups.map((g) => g.schedulerId)}::text[],
      ${groups.map((g) => g.expires)}::timestamptz[]) as given
     order by 1
    on conflict (task_group_id) do nothing`;

/** Records new tasks of groups and their expiry, without locking the groups. {@link shrinkGroups} counts them later. */
export const growGroups = (
  tx: Transaction,
  growth: readonly { taskGroupId: string; tasks: number; expires: Date }[],
) =>
  tx`
    insert into task_group_growth (task_group_id, tasks, expires)
    select task_group_id, tasks, expires
      from unnest(
        ${growth.map((g) => g.taskGroupId)}::text[], ${growth.map((g) => g.tasks)}::int[],
        ${growth.map((g) => g.expires)}::timestamptz[]) as n(task_group_id, tasks, expires)`;

/** Groups, locked until the transaction ends, in order of ids to prevent deadlocks. */
const lockGroups = (tx: Transaction, taskGroupIds: string[]) =>
  tx`
    select g.task_group_id
      from (select task_group_id collate "C" as task_group_id
              from unnest(${taskGroupIds}::text[]) as n(task_group_id) order by 1) as n
     cross join lateral (
       select task_group_id from task_groups where task_group_id = n.task_group_id for no key update) as g`;

/**
 * Adds new tasks to the counts and subtracts those that were resolved for the first time; returns the groups without
 * unresolved tasks. The groups are locked first, so that this statement sees all tasks that were added before.
 */
export const shrinkGroups = async (
  tx: Transaction,
  taskGroupIds: string[],
  tasks: number[],
): Promise<GroupRow[]> => {
  const [, rows] = await together(
    lockGroups(tx, taskGroupIds),
    tx<GroupRow>`
      with grown as (
        delete from task_group_growth where task_group_id = any(${taskGroupIds}::text[])
        returning task_group_id, tasks, expires
      ), counted as materialized (
        select task_group_id, sum(tasks)::int as tasks, max(expires) as expires
          from (select task_group_id, -tasks as tasks, null::timestamptz as expires
                  from unnest(${taskGroupIds}::text[], ${tasks}::int[]) as n(task_group_id, tasks)
                union all
                select task_group_id, tasks, expires from grown) as every
         group by task_group_id
      ), shrunk as (
        update task_groups g
           set unresolved = g.unresolved + n.tasks, expires = greatest(g.expires, n.expires)
          from counted n where g.task_group_id = any(array[n.task_group_id])
        returning g.task_group_id, g.scheduler_id, g.expires, g.sealed, g.unresolved
      )
      select task_group_id, scheduler_id, expires, sealed from shrunk where unresolved <= 0`,
  );
  return rows;
};

/** Seals groups; a sealed one keeps its date. */
export const sealGroups = (tx: Transaction, taskGroupIds: string[], now: Date) =>
  tx<GroupRow>`
    update task_groups g set sealed = coalesce(sealed, ${now}) where task_group_id = any(${taskGroupIds}::text[])
    returning task_group_id, scheduler_id, sealed,
              greatest(g.expires, (select max(w.expires) from task_group_growth w
                                    where w.task_group_id = g.task_group_id)) as expires`;

/** Deletes expired groups, unless tasks that are not counted yet need them for longer; returns how many. */
export const deleteExpiredGroups = async (db: Sql, now: Date, limit: number): Promise<number> => {
  const rows = await db`
    with gone as (
      delete from task_groups
       where ctid = any(array(
         select ctid from task_groups g
          where g.expires < ${now}
            and not exists (select from task_group_growth w
                             where w.task_group_id = g.task_group_id and w.expires >= ${now} offset 0)
          limit ${limit} for update skip locked))
      returning task_group_id
    ), growth as (
      delete from task_group_growth where task_group_id = any(array(select task_group_id from gone))
    )
    select task_group_id from gone`;
  return rows.length;
};
