import type { Sql } from '../../base/index.ts';

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
