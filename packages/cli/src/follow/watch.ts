import type { Queue } from '@taskyard/client';
import { followGroup } from './follow-group.ts';
import type { Change } from './group-state.ts';
import type { Presenter, Subject } from './presenter.ts';

export interface Watch {
  readonly queue: Queue;
  readonly subject: Subject;
  readonly presenter: Presenter;
  /** Runs when the stream stands: creates the tasks, or reads those that are there. */
  readonly begin: () => Promise<void>;
  readonly onChange?: (change: Change) => void;
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
  signal,
}: Watch): Promise<void> => {
  const { group, taskGroupId } = subject;
  const over = new AbortController();
  let hasBegun = false;
  // What happens before the caller knows that the tasks exist is told afterwards.
  const early: Change[] = [];
  let failure: { readonly error: unknown } | undefined;
  const endWhenSettled = (): void => {
    if (hasBegun && group.isSettled) over.abort();
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
      failure = { error };
      over.abort();
    }
  };
  try {
    await followGroup({
      queue,
      taskGroupId,
      group,
      signal: AbortSignal.any([signal, over.signal]),
      onReady: () => void onReady(),
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
