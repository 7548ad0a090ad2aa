import type { Sql } from '../../base/index.ts';
import type { GroupLine, Overview } from '../schema.ts';
import * as store from '../store/index.ts';
import { parsedRuns } from './runs.ts';

/** Tasks in short, in the order of their ids. */
export const shownTasks = async (
  sql: Sql,
  tasks: readonly { readonly taskId: string }[],
): Promise<Overview['failed']> => {
  const taskIds = tasks.map(({ taskId }) => taskId);
  const rows = new Map((await store.readShown(sql, taskIds)).map((row) => [row.taskId, row]));
  return taskIds.flatMap((taskId) => {
    const row = rows.get(taskId);
    return row ? [shownOf(row)] : [];
  });
};

const shownOf = ({ runs, created, ...row }: store.ShownRow): Overview['failed'][number] => {
  const last = parsedRuns(runs).at(-1);
  return {
    ...row,
    state: row.state as GroupLine['state'],
    runId: last?.runId ?? 0,
    at: last?.resolved ?? last?.started ?? last?.scheduled ?? created,
    ...(last?.reasonResolved === undefined ? {} : { reasonResolved: last.reasonResolved }),
  };
};
