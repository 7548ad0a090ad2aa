import type { Queue } from '@taskyard/client';
import { followGroup } from './follow-group.ts';
import type { Change } from './group-state.ts';
import type { Presenter, Subject } from './presenter.ts';

export interface Watch {
  readonly queue: Queue;
  readonly subject: Subject;
  readonly presenter: Presenter;
  /** Runs when the stream is open: creates the tasks, or reads those that are there. */
  readonly begin: () => Promise<void>;
  readonly onChange?: ((change: Change) => void) | undefined;
  /** A task of the group that nobody has planned. */
  readonly onUnknown?: ((taskId: string) => void) | undefined;
  /** Called when the group seems to have settled: looks for tasks that were added, and plans them. */
  readonly look?: (() => Promise<void>) | undefined;
  /** Ends the watch before the group has settled. */
  readonly signal: AbortSignal;
}

/** Follows a group until it has settled or the signal aborts, and shows its course. */
export const watchGroup = async ({
  queue,
  subject,
  presenter,
  begin,
  onChange,
  onUnknown,
  look,
  signal,
}: Watch): Promise<void> => {
  const { group, taskGroupId } = subject;
  const over = new AbortController();
  let hasBegun = false;
  // What happens before the caller knows that the tasks exist is told afterwards.
  const early: Change[] = [];
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure = { error };
    over.abort();
  };
  let isLooking = false;
  const endAfterLook = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    await look?.().finally(() => {
      isLooking = false;
    });
    if (group.isSettled) over.abort();
  };
  const endWhenSettled = (): void => {
    if (!hasBegun || !group.isSettled) return;
    if (look) endAfterLook().catch(fail);
    else over.abort();
  };
  const tell = (change: Change): void => {
    presenter.change(change);
    onChange?.(change);
    endWhenSettled();
  };
  const onReady = async (): Promise<void> => {
    try {
      await begin();
      presenter.begin();
      hasBegun = true;
      early.forEach(tell);
      endWhenSettled();
    } catch (error) {
      fail(error);
    }
  };
  try {
    await followGroup({
      queue,
      taskGroupId,
      group,
      signal: AbortSignal.any([signal, over.signal]),
      onReady: () => void onReady(),
      onUnknown,
      onChange: (change) => {
        if (hasBegun) tell(change);
        else early.push(change);
      },
    });
  } finally {
    presenter.end();
  }
  if (failure) throw failure.error;
};
