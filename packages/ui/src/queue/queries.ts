import { useQuery, useQueryClient } from '@tanstack/react-query';
import { bindingFor, queueExchanges, type TaskStatus } from '@taskyard/client/browser';
import { useMemo } from 'react';
import { api } from '../session/api.ts';
import { exchangesOfTasks, useEvents } from '../session/use-events.ts';
import { allPages } from '../shell/all-pages.ts';

/** What a task was asked to do: it never changes. */
export const useTask = (taskId: string) =>
  useQuery({
    queryKey: ['task', taskId, 'definition'],
    queryFn: async ({ signal }) => (await api()).queue.task(taskId, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** How a task stands, kept up to date by the event stream. */
export const useStatus = (taskId: string) => {
  const queries = useQueryClient();
  const key = ['task', taskId, 'status'];
  const bindings = useMemo(
    () =>
      [...exchangesOfTasks, queueExchanges.artifactCreated].map((exchange) =>
        bindingFor(exchange, { taskId }),
      ),
    [taskId],
  );
  useEvents<{ status?: TaskStatus }>({
    bindings,
    onGap: () => void queries.invalidateQueries({ queryKey: ['task', taskId] }),
    onMessages: (messages) => {
      const status = messages.findLast(({ payload }) => payload.status)?.payload.status;
      if (status) queries.setQueryData(key, status);
      for (const part of ['artifacts', 'explanation', 'dependents']) {
        void queries.invalidateQueries({ queryKey: ['task', taskId, part] });
      }
    },
  });
  return useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => (await (await api()).queue.status(taskId, { signal })).status,
  });
};

/** Why a task waits; asked again every few seconds, since that is mostly up to others. */
export const useExplanation = (taskId: string, isWaiting: boolean) =>
  useQuery({
    queryKey: ['task', taskId, 'explanation'],
    queryFn: async ({ signal }) => (await api()).views.explainTask(taskId, { signal }),
    enabled: isWaiting,
    refetchInterval: 5000,
  });

export const useArtifacts = (taskId: string, runId: number | undefined) =>
  useQuery({
    queryKey: ['task', taskId, 'artifacts', runId],
    queryFn: async ({ signal }) => {
      if (runId === undefined) return [];
      const { queue } = await api();
      return allPages(
        (continuationToken) => queue.listArtifacts(taskId, runId, { continuationToken, signal }),
        ({ artifacts }) => artifacts,
      );
    },
  });

/** So many neighbours of a task are shown at most. */
export const neighboursMax = 200;

/** Names and states of some tasks, in their order; those that are gone are left out. */
export const useNamedTasks = (taskIds: readonly string[], key: readonly unknown[]) =>
  useQuery({
    queryKey: [...key, taskIds],
    queryFn: async ({ signal }) => {
      if (taskIds.length === 0) return [];
      const { queue } = await api();
      const asked = { taskIds: taskIds.slice(0, neighboursMax) };
      const [{ tasks }, { statuses }] = await Promise.all([
        queue.tasks(asked, { signal }),
        queue.statuses(asked, { signal }),
      ]);
      const stateOf = new Map(statuses.map(({ taskId, status }) => [taskId, status.state]));
      return tasks.flatMap(({ taskId, task }) => {
        const state = stateOf.get(taskId);
        return state ? [{ taskId, name: task.metadata.name, state }] : [];
      });
    },
    refetchInterval: 10_000,
  });

export const useDependents = (taskId: string) =>
  useQuery({
    queryKey: ['task', taskId, 'dependents'],
    queryFn: async ({ signal }) => {
      const { queue } = await api();
      const page = await queue.listDependentTasks(taskId, { limit: neighboursMax, signal });
      const tasks = page.tasks.map(({ status, task }) => ({
        taskId: status.taskId,
        name: task.metadata.name,
        state: status.state,
      }));
      return { tasks, isWhole: page.continuationToken === undefined };
    },
  });
