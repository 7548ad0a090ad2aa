import { useQuery, useQueryClient } from '@tanstack/react-query';
import { bindingFor, queueExchanges, type TaskStatus } from '@taskyard/client/browser';
import { useEffect, useMemo, useRef } from 'react';
import { api } from '../session/api.ts';
import { exchangesOfTasks, useEvents } from '../session/use-events.ts';
import { type Line, updated } from './lines.ts';

const linesKey = (taskGroupId: string) => ['group', taskGroupId, 'lines'];
/** What is shown of a large group. */
export const largeKey = (taskGroupId: string) => ['group', taskGroupId, 'large'];
const largeRereadMs = 5000;
const headKey = (taskGroupId: string) => ['group', taskGroupId, 'head'];
const nameKey = (taskGroupId: string) => ['group-name', taskGroupId];

/** Of a group with more tasks, the server finds and sorts what is shown. */
const wholeMax = 20_000;
const pageSize = 5000;

/** All lines of a group, page by page; null when there are too many of them. */
const readLines = async (taskGroupId: string, signal: AbortSignal): Promise<Line[] | null> => {
  const { views } = await api();
  const lines: Line[] = [];
  let continuationToken: string | undefined;
  do {
    const page = await views.listGroupLines(taskGroupId, { limit: pageSize, continuationToken, signal });
    lines.push(...page.tasks);
    continuationToken = page.continuationToken;
    if (continuationToken && lines.length === pageSize) {
      const { total } = await views.countGroupLines(taskGroupId, { signal });
      if (total > wholeMax) return null;
    }
  } while (continuationToken);
  return lines.length > wholeMax ? null : lines;
};

const exchangesOfGroups = [queueExchanges.taskGroupSealed, queueExchanges.taskGroupResolved];

/** Puts what messages say into the lines; undefined when they tell of a task that is not there yet. */
export const withStatuses = (lines: readonly Line[], statuses: readonly TaskStatus[]): Line[] | undefined => {
  const latest = new Map<string, TaskStatus[]>();
  for (const status of statuses) {
    const known = latest.get(status.taskId);
    if (known) known.push(status);
    else latest.set(status.taskId, [status]);
  }
  const next = lines.map((line) => {
    const news = latest.get(line.taskId);
    latest.delete(line.taskId);
    return news ? news.reduce(updated, line) : line;
  });
  return latest.size > 0 ? undefined : next;
};

/** A group and its tasks, kept up to date by the event stream. */
export const useGroup = (taskGroupId: string) => {
  const queries = useQueryClient();
  const reread = () => void queries.invalidateQueries({ queryKey: ['group', taskGroupId] });
  const timer = useRef(0);
  // Messages of a large group come all the time, and each reading takes the server a while: nobody sees that of a hidden page.
  const rereadSoon = () => {
    timer.current ||= window.setTimeout(() => {
      timer.current = 0;
      const queryKey = largeKey(taskGroupId);
      if (document.hidden || queries.isFetching({ queryKey }) > 0) rereadSoon();
      else void queries.invalidateQueries({ queryKey });
    }, largeRereadMs);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is about to be read again is of one group.
  useEffect(
    () => () => {
      window.clearTimeout(timer.current);
      timer.current = 0;
    },
    [taskGroupId],
  );
  const bindings = useMemo(
    () =>
      [...exchangesOfTasks, ...exchangesOfGroups].map((exchange) => bindingFor(exchange, { taskGroupId })),
    [taskGroupId],
  );
  useEvents<{ status?: TaskStatus }>({
    bindings,
    onGap: reread,
    onMessages: (messages) => {
      const statuses = messages.flatMap(({ payload }) => payload.status ?? []);
      if (statuses.length < messages.length)
        void queries.invalidateQueries({ queryKey: headKey(taskGroupId) });
      const lines = queries.getQueryData<Line[] | null>(linesKey(taskGroupId));
      if (lines === null) {
        rereadSoon();
        return;
      }
      const next = lines && withStatuses(lines, statuses);
      if (next) queries.setQueryData(linesKey(taskGroupId), next);
      else reread();
    },
  });
  const lines = useQuery({
    queryKey: linesKey(taskGroupId),
    queryFn: ({ signal }) => readLines(taskGroupId, signal),
    staleTime: 60_000,
  });
  const head = useQuery({
    queryKey: headKey(taskGroupId),
    queryFn: async ({ signal }) => (await api()).queue.getTaskGroup(taskGroupId, { signal }),
  });
  // It never changes, and counts the tasks of the group too.
  const described = useQuery({
    queryKey: nameKey(taskGroupId),
    queryFn: async ({ signal }) => (await api()).views.describeGroup(taskGroupId, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return { lines, head, name: described.data?.name, isLarge: lines.data === null, reread };
};
