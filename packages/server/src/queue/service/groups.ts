import {
  answerOf,
  partsOf,
  RequestError,
  type Transaction,
  transact,
  type Verb,
  type Work,
} from '../../base/index.ts';
import { type Message, outbox } from '../../events/index.ts';
import type { Authorize } from '../../http/index.ts';
import { applyChanges } from '../changes/apply.ts';
import { decideAll, lockTasks } from '../changes/decide.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import { type Priority, priorities } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { noSuchGroup, requireGroup } from './reads.ts';

export interface GroupRequest {
  readonly taskGroupId: string;
  readonly authorize: Authorize;
}

/** One transaction changes at most this many tasks of a group. */
const changedAtOnceMax = 1000;

const byId = (groups: readonly store.GroupRow[]) =>
  new Map(groups.map((group) => [group.taskGroupId, group]));

/** Seals groups: they accept no further tasks. A sealed group keeps its date; the message is sent each time. */
export const sealGroups: Verb<GroupRequest, ReturnType<typeof events.groupView>, Context> = async (
  tx,
  requests,
  { now },
) => {
  const ids = [...new Set(requests.map(({ taskGroupId }) => taskGroupId))];
  const known = byId(await store.readGroups(tx, ids));
  const allowed = requests.map(({ taskGroupId, authorize }) =>
    answerOf(() => {
      const group = known.get(taskGroupId);
      if (!group) throw noSuchGroup(taskGroupId);
      authorize({ schedulerId: group.schedulerId });
      return taskGroupId;
    }),
  );
  const wanted = allowed.filter((answer) => typeof answer === 'string');
  const sealed = byId(await store.sealGroups(tx, [...new Set(wanted)], now));
  const groupOf = (taskGroupId: string) => sealed.get(taskGroupId) as store.GroupRow;
  const messages = wanted.map((taskGroupId) => events.taskGroupSealed(groupOf(taskGroupId)));
  await outbox.append(tx, messages, now);
  return allowed.map((answer) => (typeof answer === 'string' ? events.groupView(groupOf(answer)) : answer));
};

/** Cancels all tasks of a sealed group that are not resolved. A large group takes several transactions. */
export const cancelGroup = async (context: Context, { taskGroupId, authorize }: GroupRequest) => {
  const group = await requireGroup(context.db, taskGroupId);
  // As in the original, an unsealed group is refused before scopes are checked.
  if (!group.sealed) {
    throw new RequestError(
      'RequestConflict',
      `Task group ${taskGroupId} is unsealed; seal it before you cancel it.`,
    );
  }
  authorize({ schedulerId: group.schedulerId });
  const unresolved = await store.unresolvedInGroup(context.db, taskGroupId, context.clock.now());
  const cancelled = await inPages(context, unresolved, (tx, taskIds, work) =>
    changeMembers(tx, { taskIds, decide: (task) => lifecycle.end(task, 'canceled', work.now) }, work),
  );
  const taskGroupSize = await store.countGroup(context.db, taskGroupId);
  return { taskGroupId, taskGroupSize, cancelledCount: cancelled.length, taskIds: cancelled };
};

interface Members {
  readonly taskIds: readonly string[];
  decide(task: TaskRecord): lifecycle.Outcome;
  /** The messages that report the changes; by default one for each run whose state changed. */
  readonly messages?: readonly Message[];
}

/** Changes tasks of a group; returns those that this call changed. Times cannot tell: another call may have the same. */
const changeMembers = async (
  tx: Transaction,
  { taskIds, decide, messages }: Members,
  work: Work<Context>,
): Promise<TaskRecord[]> => {
  const attempts = taskIds.map((taskId) => ({ taskId, decide }));
  const { changes } = decideAll(await lockTasks(tx, attempts), attempts);
  await applyChanges(tx, { changes, ...(messages ? { messages } : {}) }, work);
  return changes.map(({ after }) => after);
};

/**
 * Adds a run to each task of a group that failed or ended as an exception, before its deadline. Up to a thousand tasks in
 * one transaction, more in several. A second call finds no failed task.
 */
export const rerunGroup = async (context: Context, { taskGroupId, authorize }: GroupRequest) => {
  const group = await requireGroup(context.db, taskGroupId);
  authorize({ schedulerId: group.schedulerId });
  const failed = await store.failedInGroup(context.db, taskGroupId, context.clock.now());
  const rerun = await inPages(context, failed, async (tx, taskIds, work) => {
    const decide = (task: TaskRecord) =>
      lifecycle.beforeDeadline(task, work.now, () => lifecycle.rerunFailed(task, work.now));
    const begun = await changeMembers(tx, { taskIds, decide }, work);
    // The deadline loop may have passed them while they were resolved.
    if (begun.length > 0) tx.last(store.lookAgainFor(tx, begun));
    return begun;
  });
  return { taskGroupId, taskIds: rerun };
};

/** Changes the priority of all tasks of a group for which that is possible, in several transactions if it is large. */
export const changeGroupPriority = async (
  context: Context,
  { taskGroupId, authorize, newPriority }: GroupRequest & { newPriority: Priority },
) => {
  const group = await requireGroup(context.db, taskGroupId);
  authorize({ schedulerId: group.schedulerId });
  const unresolved = await store.unresolvedInGroup(context.db, taskGroupId, context.clock.now());
  const decide = (task: TaskRecord) => lifecycle.changePriority(task, priorities.indexOf(newPriority));
  // One message reports the change of the group: there is none for each task.
  const changed = await inPages(context, unresolved, (tx, taskIds, work) =>
    changeMembers(tx, { taskIds, decide, messages: [] }, work),
  );
  const tasksAffected = changed.length;
  const message = events.taskGroupPriorityChanged(group, { newPriority, tasksAffected });
  await transact(context, (tx, now) => outbox.append(tx, [message], now));
  return {
    taskGroupId,
    schedulerId: group.schedulerId,
    newPriority,
    tasksAffected,
    taskIds: changed,
  };
};

/**
 * Changes tasks page by page, each page in its own transaction; returns the ids of the changed tasks after the last commit.
 * Only ids are kept: a group may have a million tasks.
 */
const inPages = async (
  context: Context,
  taskIds: readonly string[],
  change: (tx: Transaction, taskIds: readonly string[], work: Work<Context>) => Promise<TaskRecord[]>,
): Promise<string[]> => {
  const changed: string[] = [];
  for (const page of partsOf(taskIds, changedAtOnceMax)) {
    const records = await transact(context, (tx, now) => change(tx, page, { now, context }));
    changed.push(...records.map(({ taskId }) => taskId));
  }
  return changed;
};
