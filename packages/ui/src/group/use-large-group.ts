import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { GroupSearch } from '../router.tsx';
import { api } from '../session/api.ts';
import type { Line } from './lines.ts';
import { largeKey } from './use-group.ts';

const pageSize = 1000;
/** The rows that a list holds at most, since all are read again when the group changes. Narrower words find the others. */
export const rowsMax = 5000;
/** How many tasks of a large group that fit a filter are changed at most, each by a request. */
export const changedMax = 20_000;
/** While the user types, the server is not asked for each letter. */
const settleMs = 300;

const narrowed = ({ state, q }: GroupSearch) => ({
  ...(state ? { state } : {}),
  ...(q?.trim() ? { search: q.trim() } : {}),
});

/** A part of a large group: the server counts, finds and sorts. */
export const useLargeGroup = (taskGroupId: string, search: GroupSearch) => {
  const [settled] = useDebouncedValue(search, settleMs);
  const filter = narrowed(settled);
  const sort = settled.sort ?? 'state';
  const counts = useQuery({
    queryKey: [...largeKey(taskGroupId), 'counts', filter],
    queryFn: async ({ signal }) => (await api()).views.countGroupLines(taskGroupId, { ...filter, signal }),
    placeholderData: keepPreviousData,
  });
  const pages = useInfiniteQuery({
    queryKey: [...largeKey(taskGroupId), 'pages', filter, sort],
    queryFn: async ({ signal, pageParam }) =>
      (await api()).views.selectGroupLines(taskGroupId, {
        ...filter,
        sort,
        limit: pageSize,
        continuationToken: pageParam,
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ continuationToken }, all) =>
      all.length * pageSize < rowsMax ? continuationToken : undefined,
    placeholderData: keepPreviousData,
  });
  // What changed its place between two pages may be in both.
  const lines = [
    ...new Map(
      (pages.data?.pages ?? []).flatMap(({ tasks }) => tasks).map((line) => [line.taskId, line]),
    ).values(),
  ];
  return { counts, pages, lines, filter };
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
