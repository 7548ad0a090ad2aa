import { requireDate, type Sql } from '../../base/index.ts';
import { pagesOf } from '../../http/index.ts';
import type { FoundGroup, FoundTask } from '../schema.ts';
import * as store from '../store/index.ts';
import { noGroup } from './groups.ts';
import { shownTasks } from './shown.ts';

interface Finding {
  readonly limit?: number | undefined;
  readonly continuationToken?: string | undefined;
  readonly since?: string | undefined;
  readonly name?: string | undefined;
}

// The most rows that one call reads, so that its cost is bounded however few of them match.
const groupsSeenMax = 100;
const tasksSeenMax = 5000;
const limitDefault = 100;

const pages = {
  groups: pagesOf('views.listGroups', ['whole', 'text']),
  tasks: pagesOf('views.listTasks', ['whole', 'text', 'text']),
};

// Later than any group, and sorted after every id.
const beginningMs = Date.UTC(9999, 0);

/** The place where a listing continues; the time is in milliseconds. */
const placeOf = ([createdMs, taskGroupId, taskId = '']: readonly [number, string, string?]) => ({
  created: new Date(Math.min(createdMs, beginningMs)),
  taskGroupId,
  taskId,
});

const sinceOf = (since: string | undefined): Date =>
  since === undefined ? new Date(0) : requireDate(since, 'since');

const contains = (text: string, part: string | undefined): boolean =>
  part === undefined || text.toLowerCase().includes(part.toLowerCase());

export interface GroupsQuery extends Finding {
  readonly owner?: string | undefined;
  readonly failed?: boolean | undefined;
}

/** Groups as they are shown, with the counts that they follow from. */
const foundGroups = async (sql: Sql, rows: readonly store.FoundGroupRow[]) => {
  const ids = rows.map(({ taskGroupId }) => taskGroupId);
  const [names, counts] = await Promise.all([store.nameGroups(sql, ids), store.countStates(sql, ids)]);
  const named = new Map(names.map((row) => [row.taskGroupId, row]));
  const groups = rows.map(({ taskGroupId, created, sealed }): FoundGroup => {
    const states = counts.filter((row) => row.taskGroupId === taskGroupId);
    return {
      taskGroupId,
      name: named.get(taskGroupId)?.name ?? '',
      owner: named.get(taskGroupId)?.owner ?? '',
      created: created.toJSON(),
      ...(sealed ? { sealed: sealed.toJSON() } : {}),
      counts: Object.fromEntries(states.map(({ state, count }) => [state, count])),
    };
  });
  return { groups, counts };
};

/** One group, as {@link listGroups} shows it. */
export const describeGroup = async (sql: Sql, taskGroupId: string): Promise<FoundGroup> => {
  const { groups } = await foundGroups(sql, await store.readFoundGroup(sql, taskGroupId));
  const [group] = groups;
  if (!group) throw noGroup(taskGroupId);
  return group;
};

/** A page of matching groups, the newest first. */
export const listGroups = async (sql: Sql, query: GroupsQuery) => {
  const { limit = limitDefault, continuationToken, since, name, owner, failed = false } = query;
  const rows = await store.readNewestGroups(sql, {
    after: placeOf(pages.groups.keyInOrStart(continuationToken) ?? [beginningMs, '']),
    since: sinceOf(since),
    limit: groupsSeenMax,
  });
  const { groups: seen, counts } = await foundGroups(sql, rows);
  const failures = counts.filter(
    ({ state, count, uploads }) => (state === 'failed' || state === 'exception') && count > uploads,
  );
  const inTrouble = new Set(failures.map(({ taskGroupId }) => taskGroupId));
  const fits = (group: FoundGroup): boolean =>
    contains(group.name, name) &&
    (owner === undefined || group.owner === owner) &&
    (!failed || inTrouble.has(group.taskGroupId));
  const { found, last } = firstThatFit(seen, fits, limit);
  const isMore = last !== undefined && (last !== seen.at(-1) || seen.length === groupsSeenMax);
  return {
    groups: found,
    ...(isMore
      ? { continuationToken: pages.groups.tokenAfter([Date.parse(last.created), last.taskGroupId]) }
      : {}),
  };
};

/** The first matching items, and the last one that was read. */
const firstThatFit = <Item>(seen: readonly Item[], fits: (item: Item) => boolean, limit: number) => {
  const found: Item[] = [];
  let last: Item | undefined;
  for (const item of seen) {
    last = item;
    if (fits(item)) found.push(item);
    if (found.length >= Math.max(1, limit)) break;
  }
  return { found, last };
};

export interface TasksQuery extends Finding {
  readonly state?: string | undefined;
  readonly taskQueueId?: string | undefined;
  readonly route?: string | undefined;
  /** `key=value` */
  readonly tag?: string | undefined;
}

/** A page of matching tasks, those of the newest groups first. */
export const listTasks = async (sql: Sql, query: TasksQuery) => {
  const { limit = limitDefault, continuationToken, since, name } = query;
  const seen = await store.readNewestTasks(sql, {
    after: placeOf(pages.tasks.keyInOrStart(continuationToken) ?? [beginningMs, '', '']),
    since: sinceOf(since),
    limit: tasksSeenMax,
  });
  // Names are in definitions, which are large, so they are read only for tasks that match otherwise.
  const fitting = seen.filter(fitsRow(query));
  const shown = name === undefined ? undefined : await shownById(sql, fitting);
  const fits = (row: store.FoundTaskRow): boolean => contains(shown?.get(row.taskId)?.name ?? '', name);
  const wanted = new Set(fitting.filter(fits));
  const { found, last } = firstThatFit(seen, (row) => wanted.has(row), limit);
  const isMore = last !== undefined && (last !== seen.at(-1) || seen.length === tasksSeenMax);
  const tasks = shown ?? (await shownById(sql, found));
  return {
    tasks: found.flatMap(({ taskId }) => tasks.get(taskId) ?? []),
    ...(isMore
      ? {
          continuationToken: pages.tasks.tokenAfter([last.created.getTime(), last.taskGroupId, last.taskId]),
        }
      : {}),
  };
};

const fitsRow =
  ({ state, taskQueueId, route, tag }: TasksQuery) =>
  (row: store.FoundTaskRow): boolean =>
    (state === undefined || row.state === state) &&
    (taskQueueId === undefined || row.taskQueueId === taskQueueId) &&
    (route === undefined || row.routes.includes(route)) &&
    (tag === undefined || hasTag(row.tags, tag));

const hasTag = (tags: string, tag: string): boolean => {
  const at = tag.indexOf('=');
  return (JSON.parse(tags) as Record<string, string>)[tag.slice(0, at)] === tag.slice(at + 1);
};

const shownById = async (
  sql: Sql,
  tasks: readonly { readonly taskId: string }[],
): Promise<Map<string, FoundTask>> =>
  new Map((await shownTasks(sql, tasks)).map((task) => [task.taskId, task]));
