import type { TaskGroupResponse } from '@taskyard/client/browser';
import { api } from '../session/api.ts';
import { Confirmed } from '../shell/confirmed.tsx';
import { PriorityChange } from '../shell/priority-change.tsx';
import { SealGroup } from './group-actions.tsx';
import { forEachInSteps } from './in-steps.ts';
import { isOver, type Line } from './lines.ts';
import { changedMax, readFitting } from './use-large-group.ts';

/** What a filter of a large group comes to. */
export interface Fitting {
  readonly filter: { readonly state?: string; readonly search?: string };
  /** How many tasks fit. */
  readonly count: number;
  /** Whether the filter leaves anything out. */
  readonly isAll: boolean;
}

const wordsOf = ({ filter: { state, search }, count }: Fitting): string =>
  [
    count === 1 ? '1 task' : `${count} tasks`,
    state && `in the states ${state.split(',').join(', ')}`,
    search && `that fit "${search}"`,
  ]
    .filter(Boolean)
    .join(' ');

/** What can be done to a large group: to all of it in one request, or to those of its tasks that fit a filter. */
export const LargeActions = ({
  taskGroupId,
  group,
  fitting,
  onDone,
}: {
  taskGroupId: string;
  group: TaskGroupResponse | undefined;
  fitting: Fitting;
  onDone: () => void;
}) => {
  const change =
    (whole: () => Promise<unknown>, single: (line: Line) => Promise<unknown>) => async (about: Fitting) => {
      const done = about.isAll
        ? whole()
        : readFitting(taskGroupId, about.filter).then((lines) =>
            forEachInSteps(
              lines.filter((line) => !isOver(line)),
              single,
            ),
          );
      await done.finally(onDone);
    };
  const cancel = async (about: Fitting) => {
    const { queue } = await api();
    const whole = async () => {
      await queue.sealTaskGroup(taskGroupId);
      await queue.cancelTaskGroup(taskGroupId);
    };
    await change(whole, ({ taskId }) => queue.cancelTask(taskId))(about);
  };
  const rank = async (newPriority: Line['priority'], about: Fitting) => {
    const { queue } = await api();
    await change(
      () => queue.changeTaskGroupPriority(taskGroupId, { newPriority }),
      ({ taskId }) => queue.changeTaskPriority(taskId, { newPriority }),
    )(about);
  };
  const rerun = async () => {
    await (await api()).queue.rerunTaskGroup(taskGroupId).finally(onDone);
  };
  const isTooMuch = fitting.count === 0 || (!fitting.isAll && fitting.count > changedMax);
  return (
    <>
      <Confirmed
        label="Rerun failed"
        question="Run all tasks of the group again that failed or ended as an exception?"
        run={rerun}
      />
      <PriorityChange
        subject={fitting}
        question={(about: Fitting) => `Give those of ${wordsOf(about)} that are not over another priority?`}
        change={rank}
        disabled={isTooMuch}
      />
      <SealGroup group={group} onDone={onDone} />
      <Confirmed
        label={fitting.isAll ? 'Cancel' : 'Cancel shown'}
        subject={fitting}
        question={(about) =>
          about.isAll
            ? 'Seal the group, and cancel all of its tasks that are not over?'
            : `Cancel those of ${wordsOf(about)} that are not over?`
        }
        run={cancel}
        disabled={isTooMuch}
        danger
      />
    </>
  );
};
