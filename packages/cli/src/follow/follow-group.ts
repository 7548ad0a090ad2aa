import { bindingFor, followEvents, type Queue, queueExchanges, type TaskStatus } from '@taskyard/client';
import { type ListedTask, listGroup } from '../listings.ts';
import type { Change, GroupState } from './group-state.ts';

const { taskDefined, taskPending, taskRunning, taskCompleted, taskFailed, taskException } = queueExchanges;
const exchanges = [taskDefined, taskPending, taskRunning, taskCompleted, taskFailed, taskException];

/** Updates a task from a listing, with its dependencies. */
export const applyListed = (group: GroupState, { status, task }: ListedTask): Change | undefined => {
  const { taskId } = status;
  const { dependencies, requires, metadata } = task;
  group.plan({ taskId, label: metadata.name, dependencies, requires });
  return group.apply(status);
};

export interface FollowGroup {
  readonly queue: Queue;
  readonly taskGroupId: string;
  readonly group: GroupState;
  readonly signal: AbortSignal;
  /** The first connection is open: everything that happens from now on is seen. */
  readonly onReady: () => void;
  readonly onChange: (change: Change) => void;
  /** A message of a task that nobody has planned. */
  readonly onUnknown?: ((taskId: string) => void) | undefined;
}

/**
 * Keeps a group's state up to date from the event stream, until the signal aborts. When messages may be missing, it reads
 * the whole group again.
 */
export const followGroup = async (follow: FollowGroup): Promise<void> => {
  const { queue, taskGroupId, group, onChange, onReady, onUnknown } = follow;
  const failure = new AbortController();
  let isFirst = true;
  const takeOver = (change: Change | undefined): void => {
    if (change) onChange(change);
  };
  const readAnew = async (): Promise<void> => {
    for (const listed of await listGroup(queue, taskGroupId)) takeOver(applyListed(group, listed));
  };
  const onConnect = ({ isGapless }: { readonly isGapless: boolean }): void => {
    if (isFirst) onReady();
    else if (!isGapless) readAnew().catch((error: unknown) => failure.abort(error));
    isFirst = false;
  };
  const { rootUrl, credentials } = queue.options;
  const messages = followEvents<{ readonly status: TaskStatus }>({
    rootUrl,
    credentials,
    bindings: exchanges.map((exchange) => bindingFor(exchange, { taskGroupId })),
    signal: AbortSignal.any([follow.signal, failure.signal]),
    onConnect,
  });
  for await (const { payload } of messages) {
    const { taskId } = payload.status;
    if (!group.task(taskId)) onUnknown?.(taskId);
    takeOver(group.apply(payload.status));
  }
  if (failure.signal.aborted) throw failure.signal.reason;
};
