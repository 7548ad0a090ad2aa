import type { Sql } from '../../base/index.ts';
import { type PageQuery, pageLimit, pagesOf } from '../../http/index.ts';
import { taskStates } from '../../queue/index.ts';
import type { CountGroupLinesResponse } from '../schema.ts';
import * as store from '../store/index.ts';
import { requireGroup } from './groups.ts';
import { lineOf } from './lines.ts';

/** What a caller wants of the tasks of a group. */
export interface SelectionQuery {
  readonly taskGroupId: string;
  /** States, separated by commas; all without it. */
  readonly state?: string | undefined;
  /** Words that all are in the name, the task queue or the id. */
  readonly search?: string | undefined;
}

/** The orders of a selection. */
export const selectionOrders = ['state', 'name', 'queue', 'started', 'duration'] as const;

const pages = pagesOf('views.selectGroupLines', ['whole', 'text', 'text', 'text']);

const statesOf = (state: string | undefined): readonly string[] =>
  state === undefined ? taskStates : [...new Set(state.split(','))];

/** Words as patterns of ILIKE; characters that mean something there are taken as they are. */
const patternsOf = (search = ''): string[] =>
  search
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => `%${word.replace(/[\\%_]/g, '\\$&')}%`);

/** What a caller wants of the tasks of a group, and in which order. */
export interface SortedQuery extends SelectionQuery {
  readonly sort?: string | undefined;
}

/** The tasks of a group that fit, in the wanted order, after a place in it. */
const readFitting = (
  sql: Sql,
  { taskGroupId, state, search, sort = 'state' }: SortedQuery,
  { after, limit }: { after: store.SelectionKey; limit: number },
) =>
  store.readSelected(
    sql,
    { taskGroupId, states: statesOf(state), patterns: patternsOf(search), sort },
    { after, limit },
  );

/** Before the first task of any order. */
const beginning: store.SelectionKey = { number: -1, text: '', name: '', taskId: '' };

/** The first tasks of a group that fit, in the wanted order. */
export const readFirst = (sql: Sql, query: SortedQuery, limit: number) =>
  readFitting(sql, query, { after: beginning, limit });

/** A page of the tasks of a group that fit, in the wanted order. */
export const selectGroupLines = async (sql: Sql, query: SortedQuery & PageQuery) => {
  const { taskGroupId, limit, continuationToken } = query;
  const key = pages.keyInOrStart(continuationToken);
  const after = key ? { number: key[0], text: key[1], name: key[2], taskId: key[3] } : beginning;
  const read = await readFitting(sql, query, { after, limit: pageLimit(limit) });
  if (read.length === 0) await requireGroup(sql, taskGroupId);
  const { rows, ...token } = pages.pageOf(read, limit, (row) => [row.number, row.text, row.name, row.taskId]);
  return { taskGroupId, tasks: rows.map(lineOf), ...token };
};

/** How many tasks a group has in each state, and how many of them fit. */
export const countGroupLines = async (
  sql: Sql,
  { taskGroupId, state, search }: SelectionQuery,
): Promise<CountGroupLinesResponse> => {
  const rows = await store.countSelected(sql, taskGroupId, patternsOf(search));
  if (rows.length === 0) await requireGroup(sql, taskGroupId);
  const byState = new Map(rows.map((row) => [row.state, row]));
  const numbers = (of: 'count' | 'fitting') =>
    Object.fromEntries(taskStates.map((each) => [each, byState.get(each)?.[of] ?? 0]));
  const fittingCounts = numbers('fitting');
  return {
    taskGroupId,
    total: rows.reduce((sum, { count }) => sum + count, 0),
    counts: numbers('count'),
    fitting: statesOf(state).reduce((sum, each) => sum + (fittingCounts[each] ?? 0), 0),
    fittingCounts,
  };
};
