import { useQuery, useQueryClient } from '@tanstack/react-query';
import { bindingFor, queueExchanges, type TaskStatus } from '@taskyard/client/browser';
import { useMemo } from 'react';
import { api } from '../session/api.ts';
import { useEvents } from '../session/use-events.ts';
import { type Line, updated } from './lines.ts';

const linesKey = (taskGroupId: string) => ['group', taskGroupId, 'lines'];
const headKey = (taskGroupId: string) => ['group', taskGroupId, 'head'];

/** All lines of a group, page by page. */
const readLines = async (taskGroupId: string, signal: AbortSignal): Promise<Line[]> => {
  const { views } = await api();
  const lines: Line[] = [];
  let continuationToken: string | undefined;
  do {
    const page = await views.listGroupLines(taskGroupId, { limit: 5000, continuationToken, signal });
    lines.push(...page.tasks);
    continuationToken = page.continuationToken;
  } while (continuationToken);
  return lines;
};

const exchangesOfTasks = [
  queueExchanges.taskDefined,
  queueExchanges.taskPending,
  queueExchanges.taskRunning,
  queueExchanges.taskCompleted,
  queueExchanges.taskFailed,
  queueExchanges.taskException,
  queueExchanges.taskPriorityChanged,
];
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
      const lines = queries.getQueryData<Line[]>(linesKey(taskGroupId));
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
  return { lines, head, reread };
};
