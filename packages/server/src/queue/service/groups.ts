import {
  type Answer,
  answerOf,
  RequestError,
  type Transaction,
  transact,
  type Verb,
  type Work,
} from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Authorize } from '../../http/index.ts';
import { changeTasks } from '../changes/apply.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import type { Priority } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { changeMemberPriorities, reportGroupPriority } from './change-priorities.ts';
import { noSuchGroup, requireGroup } from './reads.ts';

export interface GroupRequest {
  readonly taskGroupId: string;
  readonly authorize: Authorize;
}

/** One transaction changes at most this many tasks of a group. */
const changedAtOnceMax = 1000;

const byId = (groups: readonly store.GroupRow[]) =>
  new Map(groups.map((group) => [group.taskGroupId, group]));

/** Seals groups: they take no further tasks. One that is sealed keeps its date; the message is sent each time. */
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

/** Ends all tasks of a sealed group that are not resolved. A large group is worked off in several transactions. */
export const cancelGroup = async (context: Context, { taskGroupId, authorize }: GroupRequest) => {
  const group = await requireGroup(context.db, taskGroupId);
  // As the original: whether it is sealed is told before scopes are asked for.
  if (!group.sealed) {
    throw new RequestError(
      'RequestConflict',
      `Task group ${taskGroupId} is unsealed; seal it before you cancel it.`,
    );
  }
  authorize({ schedulerId: group.schedulerId });
  const cancelled: string[] = [];
  const unresolved = await store.unresolvedInGroup(context.db, taskGroupId, context.clock.now());
  await inPages(context, unresolved, async (tx, taskIds, work) => {
    const attempts = taskIds.map((taskId) => ({
      taskId,
      decide: (task: TaskRecord) => lifecycle.end(task, 'canceled', work.now),
    }));
    cancelled.push(...endedNow(await changeTasks(tx, attempts, work), work.now));
  });
  const taskGroupSize = await store.countGroup(context.db, taskGroupId);
  return { taskGroupId, taskGroupSize, cancelledCount: cancelled.length, taskIds: cancelled };
};

const endedNow = (answers: readonly Answer<TaskRecord>[], now: Date): string[] =>
  answers.flatMap((record) =>
    !(record instanceof RequestError) && record.runs.at(-1)?.resolved === now.toJSON() ? [record.taskId] : [],
  );

/**
 * Adds a run to each task of a group that failed or ended as an exception, before its deadline. Up to a thousand in one
 * transaction, more in several. The second call finds nothing that failed.
 */
export const rerunGroup = async (context: Context, { taskGroupId, authorize }: GroupRequest) => {
  const group = await requireGroup(context.db, taskGroupId);
  authorize({ schedulerId: group.schedulerId });
  const failed = await store.failedInGroup(context.db, taskGroupId, context.clock.now());
  const rerun: string[] = [];
  await inPages(context, failed, async (tx, taskIds, work) => {
    const attempts = taskIds.map((taskId) => ({
      taskId,
      decide: (task: TaskRecord) =>
        lifecycle.beforeDeadline(task, work.now, () => lifecycle.rerunFailed(task, work.now)),
    }));
    const begun = begunNow(await changeTasks(tx, attempts, work), work.now);
    // The deadline loop may have passed them by while they were resolved.
    if (begun.length > 0) tx.last(store.lookAgainFor(tx, begun));
    rerun.push(...begun.map(({ taskId }) => taskId));
  });
  return { taskGroupId, taskIds: rerun };
};

const begunNow = (answers: readonly Answer<TaskRecord>[], now: Date): TaskRecord[] =>
  answers.filter(
    (record): record is TaskRecord =>
      !(record instanceof RequestError) &&
      record.runs.at(-1)?.reasonCreated === 'rerun' &&
      record.runs.at(-1)?.scheduled === now.toJSON(),
  );

/** Changes the priority of all tasks of a group for which that is possible, in several transactions if it is large. */
export const changeGroupPriority = async (
  context: Context,
  { taskGroupId, authorize, newPriority }: GroupRequest & { newPriority: Priority },
) => {
  const group = await requireGroup(context.db, taskGroupId);
  authorize({ schedulerId: group.schedulerId });
  const changed: string[] = [];
  const unresolved = await store.unresolvedInGroup(context.db, taskGroupId, context.clock.now());
  await inPages(context, unresolved, async (tx, taskIds, work) => {
    changed.push(...(await changeMemberPriorities(tx, { taskIds, newPriority }, work)));
  });
  const tasksAffected = changed.length;
  await transact(context, (tx, now) => reportGroupPriority(tx, group, { newPriority, tasksAffected, now }));
  return { taskGroupId, schedulerId: group.schedulerId, newPriority, tasksAffected, taskIds: changed };
};

const inPages = async (
  context: Context,
  taskIds: readonly string[],
  change: (tx: Transaction, taskIds: readonly string[], work: Work<Context>) => Promise<void>,
): Promise<void> => {
  for (let i = 0; i < taskIds.length; i += changedAtOnceMax) {
    const page = taskIds.slice(i, i + changedAtOnceMax);
    await transact(context, (tx, now) => change(tx, page, { now, context }));
  }
};
