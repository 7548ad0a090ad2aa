import type { Sql } from '../../base/index.ts';
import type { FirstCausesResponse, GroupPartResponse } from '../schema.ts';
import * as store from '../store/index.ts';
import { requireGroup } from './groups.ts';
import { lineOf } from './lines.ts';
import { readFirst, type SortedQuery } from './selection.ts';

// Of each the most that one call reads, so that its cost is bounded however much of a group went wrong.
const [wrongMax, causesDefault, causesMax, waitingMax, directMax] = [20_000, 20, 100, 10_000, 10_000];
const [chosenMax, besideMax, dependentsEachMax] = [500, 1500, 200];

export interface CausesQuery {
  readonly taskGroupId: string;
  readonly limit?: number | undefined;
}

/** What a group failed by: tasks that went wrong on their own, those first that keep most others waiting. */
export const listFirstCauses = async (
  sql: Sql,
  { taskGroupId, limit = causesDefault }: CausesQuery,
): Promise<FirstCausesResponse> => {
  const bounds = { wrongMax, dependentsMax: directMax, limit: Math.min(causesMax, Math.max(1, limit)) };
  const rows = await store.readCauses(sql, taskGroupId, bounds);
  const [first] = rows;
  if (!first) await requireGroup(sql, taskGroupId);
  const taskIds = rows.map(({ taskId }) => taskId);
  const [lines, counts] = await Promise.all([
    store.readLinesOf(sql, taskGroupId, taskIds),
    store.countWaiting(sql, taskGroupId, { taskIds, waitingMax }),
  ]);
  const waitingOf = new Map(counts.map((row) => [row.taskId, row.waiting]));
  const causes = lines.map((row) => ({ task: lineOf(row), waiting: waitingOf.get(row.taskId) ?? 0 }));
  return {
    taskGroupId,
    found: first?.found ?? 0,
    isExact: (first?.wrong ?? 0) <= wrongMax,
    causes: causes.sort(
      (a, b) => b.waiting - a.waiting || ((a.task.resolved ?? '') < (b.task.resolved ?? '') ? -1 : 1),
    ),
  };
};

/** The first tasks of a group that fit, with those that they depend on and those that depend on them. */
export const selectGroupPart = async (sql: Sql, query: SortedQuery): Promise<GroupPartResponse> => {
  const { taskGroupId } = query;
  const chosen = await readFirst(sql, query, chosenMax);
  if (chosen.length === 0) await requireGroup(sql, taskGroupId);
  const isChosen = new Set(chosen.map(({ taskId }) => taskId));
  // Some of them are chosen themselves, or those of several.
  const bounds = { each: dependentsEachMax, limit: besideMax * 2 };
  const dependents = await store.readDependents(sql, [...isChosen], bounds);
  const needed = chosen.flatMap(({ dependencies }) => JSON.parse(dependencies) as string[]);
  const beside = [...new Set([...needed, ...dependents.map(({ taskId }) => taskId)])].filter(
    (id) => !isChosen.has(id),
  );
  const others = await store.readLinesOf(sql, taskGroupId, beside.slice(0, besideMax));
  return { taskGroupId, chosen: chosen.length, tasks: [...chosen, ...others].map(lineOf) };
};
