import type { Sql, Transaction } from '../../base/index.ts';

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

/** Counts new tasks in and keeps groups for as long as they are needed. The groups' rows stay locked. */
export const growGroups = (
  tx: Transaction,
  growth: readonly { taskGroupId: string; tasks: number; expires: Date }[],
) =>
  tx`
    with locked as materialized (
      select g.task_group_id, n.tasks, n.expires
        from (select task_group_id collate "C" as task_group_id, tasks, expires
                from unnest(
                  ${growth.map((g) => g.taskGroupId)}::text[], ${growth.map((g) => g.tasks)}::int[],
                  ${growth.map((g) => g.expires)}::timestamptz[]) as n(task_group_id, tasks, expires)
               order by 1) as n
       cross join lateral (
         select task_group_id from task_groups where task_group_id = n.task_group_id for no key update) as g
    )
    update task_groups g set unresolved = g.unresolved + n.tasks, expires = greatest(g.expires, n.expires)
      from locked n where g.task_group_id = any(array[n.task_group_id])`;

/** Counts tasks out that were resolved for the first time; returns the groups in which none is left. */
export const shrinkGroups = (tx: Transaction, taskGroupIds: string[], tasks: number[]) =>
  tx<GroupRow>`
    with locked as materialized (
      select g.task_group_id, n.tasks
        from (select task_group_id collate "C" as task_group_id, tasks
                from unnest(${taskGroupIds}::text[], ${tasks}::int[]) as n(task_group_id, tasks)
               order by 1) as n
       cross join lateral (
         select task_group_id from task_groups where task_group_id = n.task_group_id for no key update) as g
    ), shrunk as (
      update task_groups g set unresolved = g.unresolved - n.tasks
        from locked n where g.task_group_id = any(array[n.task_group_id])
      returning g.task_group_id, g.scheduler_id, g.expires, g.sealed, g.unresolved
    )
    select task_group_id, scheduler_id, expires, sealed from shrunk where unresolved <= 0`;

/** Seals groups; one that is sealed keeps its date. */
export const sealGroups = (tx: Transaction, taskGroupIds: string[], now: Date) =>
  tx<GroupRow>`
    update task_groups set sealed = coalesce(sealed, ${now}) where task_group_id = any(${taskGroupIds}::text[])
    returning task_group_id, scheduler_id, expires, sealed`;

/** Deletes groups that expired; returns how many. */
export const deleteExpiredGroups = async (db: Sql, now: Date, limit: number): Promise<number> => {
  const rows = await db`
    delete from task_groups
     where ctid = any(array(select ctid from task_groups where expires < ${now} limit ${limit} for update skip locked))
    returning task_group_id`;
  return rows.length;
};
