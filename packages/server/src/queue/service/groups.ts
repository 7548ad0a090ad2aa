import { type Answer, RequestError, type Transaction, transact } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Authorize } from '../../http/index.ts';
import { changeTasks } from '../apply.ts';
import type { QueueDeps } from '../context.ts';
import * as events from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import type { Priority } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { changeMemberPriorities, reportGroupPriority } from './change-priorities.ts';
import { requireGroup } from './reads.ts';

export interface GroupRequest {
  readonly taskGroupId: string;
  readonly authorize: Authorize;
}

/** So many tasks of a group are changed by one transaction at most. */
const changedAtOnceMax = 1000;

/** Seals a group: it takes no further tasks. One that is sealed keeps its date; the message is sent each time. */
export const sealGroup = (deps: QueueDeps, { taskGroupId, authorize }: GroupRequest) =>
  transact(deps, async (tx, now) => {
    const { schedulerId } = await requireGroup(tx, taskGroupId);
    authorize({ schedulerId });
    const [group] = await store.sealGroups(tx, [taskGroupId], now);
    const sealed = group as store.GroupRow;
    await outbox.append(tx, [events.taskGroupSealed(sealed)], now);
    return events.groupView(sealed);
  });

/** Ends all tasks of a sealed group that are not resolved. A large group is worked off in several transactions. */
export const cancelGroup = async (deps: QueueDeps, { taskGroupId, authorize }: GroupRequest) => {
  const group = await requireGroup(deps.db, taskGroupId);
  // As the original: whether it is sealed is told before scopes are asked for.
  if (!group.sealed) {
    throw new RequestError(
      'RequestConflict',
      `Task group ${taskGroupId} is unsealed; seal it before you cancel it.`,
    );
  }
  authorize({ schedulerId: group.schedulerId });
  const cancelled: string[] = [];
  await inPages(deps, taskGroupId, async (tx, page, now) => {
    const changes = page.map((taskId) => ({
      taskId,
      decide: (task: TaskRecord) => lifecycle.end(task, 'canceled', now),
    }));
    cancelled.push(...endedNow(await changeTasks(tx, changes, { ...deps, now }), now));
  });
  const taskGroupSize = await store.countGroup(deps.db, taskGroupId);
  return { taskGroupId, taskGroupSize, cancelledCount: cancelled.length, taskIds: cancelled };
};

const endedNow = (answers: readonly Answer<TaskRecord>[], now: Date): string[] =>
  answers.flatMap((record) =>
    !(record instanceof RequestError) && record.runs.at(-1)?.resolved === now.toJSON() ? [record.taskId] : [],
  );

/** Changes the priority of all tasks of a group for which that is possible. */
export const changeGroupPriority = async (
  deps: QueueDeps,
  { taskGroupId, authorize, newPriority }: GroupRequest & { newPriority: Priority },
) => {
  const group = await requireGroup(deps.db, taskGroupId);
  authorize({ schedulerId: group.schedulerId });
  const taskIds: string[] = [];
  await inPages(deps, taskGroupId, async (tx, page) => {
    taskIds.push(...(await changeMemberPriorities(tx, page, newPriority)));
  });
  const tasksAffected = taskIds.length;
  await transact(deps, (tx, now) => reportGroupPriority(tx, group, { newPriority, tasksAffected, now }));
  return { taskGroupId, schedulerId: group.schedulerId, newPriority, tasksAffected, taskIds };
};

const inPages = async (
  deps: QueueDeps,
  taskGroupId: string,
  change: (tx: Transaction, taskIds: string[], now: Date) => Promise<void>,
): Promise<void> => {
  const taskIds = await store.unresolvedInGroup(deps.db, taskGroupId, deps.clock.now());
  for (let i = 0; i < taskIds.length; i += changedAtOnceMax) {
    const page = taskIds.slice(i, i + changedAtOnceMax);
    await transact(deps, (tx, now) => change(tx, page, now));
  }
};
