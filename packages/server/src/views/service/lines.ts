import type { Sql } from '../../base/index.ts';
import { type PageQuery, pageLimit, pagesOf } from '../../http/index.ts';
import { priorities, type RunStatus } from '../../queue/index.ts';
import type { GroupLine } from '../schema.ts';
import * as store from '../store/index.ts';
import { requireGroup } from './groups.ts';
import { parsedRuns } from './runs.ts';

/** The known times of a run, and why it ended. */
const timesOf = ({ scheduled, started, resolved, reasonResolved }: Partial<RunStatus>) => ({
  ...(reasonResolved === undefined ? {} : { reasonResolved }),
  ...(scheduled === undefined ? {} : { scheduled }),
  ...(started === undefined ? {} : { started }),
  ...(resolved === undefined ? {} : { resolved }),
});

/** A task of a group as it is shown. */
export const lineOf = ({
  taskId,
  name,
  state,
  taskQueueId,
  priority,
  dependencies,
  requires,
  runs,
}: store.LineRow): GroupLine => {
  const all = parsedRuns(runs);
  return {
    taskId,
    name,
    state: state as GroupLine['state'],
    taskQueueId,
    priority: priorities[priority] ?? 'lowest',
    dependencies: JSON.parse(dependencies) as string[],
    requires: requires as GroupLine['requires'],
    runs: all.length,
    ...timesOf(all.at(-1) ?? {}),
  };
};

const pages = pagesOf('views.listGroupLines', ['text']);

/** A page of the tasks of a group, in short. */
export const listGroupLines = async (
  sql: Sql,
  { taskGroupId, limit, continuationToken }: PageQuery & { readonly taskGroupId: string },
) => {
  const [after] = pages.keyInOrStart(continuationToken) ?? [''];
  const read = await store.readLines(sql, taskGroupId, { after, limit: pageLimit(limit) });
  if (read.length === 0) await requireGroup(sql, taskGroupId);
  const { rows, ...token } = pages.pageOf(read, limit, (row) => [row.taskId]);
  return { taskGroupId, tasks: rows.map(lineOf), ...token };
};
