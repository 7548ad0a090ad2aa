import type { Sql, Work } from '../../base/index.ts';
import type { Context } from '../context.ts';
import type { Overview } from '../schema.ts';
import * as store from '../store/index.ts';
import { shownTasks } from './shown.ts';

const messagesMax = 20_000;
const groupsMax = 12;
const tasksMax = 12;

/** The overview of the deployment. */
export const readOverview = async (
  sql: Sql,
  _: undefined,
  { now, context }: Work<Context>,
): Promise<Overview> => {
  const [queues, groups, failures] = await Promise.all([
    context.queue.countQueues(),
    store.lateGroups(sql, { messagesMax, limit: groupsMax }),
    store.lateFailures(sql, { messagesMax, limit: tasksMax * 4 }),
  ]);
  const busy = queues.map(({ taskQueueId }) => taskQueueId);
  const [shownGroups, failed, running, workers] = await Promise.all([
    groupsOf(sql, groups),
    shownTasks(sql, failures),
    store.claimedOf(sql, busy, tasksMax).then((tasks) => shownTasks(sql, tasks)),
    store.countWorkersOf(sql, busy, now),
  ]);
  const workersOf = new Map(workers.map((row) => [row.taskQueueId, row.workers]));
  return {
    queues: queues.map(({ taskQueueId, pending, claimed, oldestPosition }) => ({
      taskQueueId,
      pending,
      claimed,
      workers: workersOf.get(taskQueueId) ?? 0,
      ...(oldestPosition === null ? {} : { oldest: new Date(oldestPosition / 1000).toJSON() }),
    })),
    groups: shownGroups,
    running: running.filter(({ state }) => state === 'running'),
    // A task that was retried or rerun since then no longer counts as failed.
    failed: failed.filter(({ state }) => state === 'failed' || state === 'exception').slice(0, tasksMax),
  };
};

const groupsOf = async (sql: Sql, groups: readonly store.LateGroupRow[]): Promise<Overview['groups']> => {
  const ids = groups.map(({ taskGroupId }) => taskGroupId);
  const [counts, names] = await Promise.all([store.countStates(sql, ids), store.nameGroups(sql, ids)]);
  const nameOf = new Map(names.map(({ taskGroupId, name }) => [taskGroupId, name]));
  return groups
    .map(({ taskGroupId, changedAt }) => ({
      taskGroupId,
      name: nameOf.get(taskGroupId) ?? '',
      changed: changedAt.toJSON(),
      counts: Object.fromEntries(
        counts.filter((row) => row.taskGroupId === taskGroupId).map(({ state, count }) => [state, count]),
      ),
    }))
    .filter(({ counts }) => Object.keys(counts).length > 0);
};
