import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { GroupSearch } from '../router.tsx';
import { api } from '../session/api.ts';
import { taskStates } from '../shell/state-mark.tsx';
import { type Line, sortNames } from './lines.ts';
import { largeKey } from './use-group.ts';

const pageSize = 1000;
/** The rows that a list holds at most, since all are read again when the group changes. Narrower words find the others. */
export const rowsMax = 5000;
/** How many tasks of a large group that fit a filter are changed at most, each by a request. */
export const changedMax = 20_000;
const causesMax = 20;
/** While the user types, the server is not asked for each letter. */
const settleMs = 300;

/** What the server is asked for. An address may name states that are none. */
const narrowed = ({ state, q }: GroupSearch) => {
  const states = taskStates.filter((each) => state?.split(',').includes(each)).join(',');
  return { ...(states ? { state: states } : {}), ...(q?.trim() ? { search: q.trim() } : {}) };
};

/** How many rows are wanted of a list: more when its end is near, and as at first for another list. */
const useWantedRows = (list: string) => {
  const [wanted, setWanted] = useState({ list, rows: pageSize });
  const rows = wanted.list === list ? wanted.rows : pageSize;
  return { rows, more: () => setWanted({ list, rows: Math.min(rowsMax, rows + pageSize) }) };
};

/** A part of a large group: the server counts, finds and sorts. */
export const useLargeGroup = (taskGroupId: string, search: GroupSearch) => {
  const [settled] = useDebouncedValue(search, settleMs);
  const filter = narrowed(settled);
  const sort = sortNames.find((name) => name === settled.sort) ?? 'state';
  const wanted = useWantedRows(JSON.stringify([filter, sort]));
  const isList = search.view === undefined;
  const counts = useQuery({
    queryKey: [...largeKey(taskGroupId), 'counts', filter],
    queryFn: async ({ signal }) => (await api()).views.countGroupLines(taskGroupId, { ...filter, signal }),
    placeholderData: keepPreviousData,
  });
  const { failed = 0, exception = 0 } = counts.data?.counts ?? {};
  const hasFailed = failed + exception > 0;
  const causes = useQuery({
    queryKey: [...largeKey(taskGroupId), 'causes'],
    enabled: hasFailed,
    queryFn: async ({ signal }) =>
      (await api()).views.listFirstCauses(taskGroupId, { limit: causesMax, signal }),
  });
  // The server sorts the whole group for each request, so the rows that are there are read again by one.
  const rows = useQuery({
    queryKey: [...largeKey(taskGroupId), 'rows', filter, sort, wanted.rows],
    queryFn: async ({ signal }) =>
      (await api()).views.selectGroupLines(taskGroupId, { ...filter, sort, limit: wanted.rows, signal }),
    placeholderData: keepPreviousData,
    enabled: isList,
  });
  const part = useQuery({
    queryKey: [...largeKey(taskGroupId), 'part', filter, sort],
    queryFn: async ({ signal }) =>
      (await api()).views.selectGroupPart(taskGroupId, { ...filter, sort, signal }),
    placeholderData: keepPreviousData,
    enabled: !isList,
  });
  const hasMore = rows.data?.continuationToken !== undefined && wanted.rows < rowsMax;
  const more = () => {
    if (hasMore && !rows.isFetching) wanted.more();
  };
  return { counts, causes: hasFailed ? causes.data : undefined, rows, part, more, filter };
};

/** All tasks of a large group that fit, no more than {@link changedMax}. */
export const readFitting = async (
  taskGroupId: string,
  filter: { readonly state?: string; readonly search?: string },
): Promise<Line[]> => {
  const { views } = await api();
  const lines: Line[] = [];
  let continuationToken: string | undefined;
  do {
    const page = await views.selectGroupLines(taskGroupId, {
      ...filter,
      sort: 'name',
      limit: 5000,
      continuationToken,
    });
    lines.push(...page.tasks);
    continuationToken = page.continuationToken;
  } while (continuationToken && lines.length < changedMax);
  return lines.slice(0, changedMax);
};
