import type { TaskGroupResponse } from '@taskyard/client/browser';
import { api } from '../session/api.ts';
import { Confirmed } from '../shell/confirmed.tsx';
import { PriorityChange } from '../shell/priority-change.tsx';
import { firstCauses } from './first-causes.ts';
import { forEachInSteps } from './in-steps.ts';
import type { Line } from './lines.ts';

const isOver = ({ state }: Line): boolean => ['completed', 'failed', 'exception'].includes(state);
const tasksText = (count: number): string => (count === 1 ? '1 task' : `${count} tasks`);

/** What can be done to a group as a whole, and to the tasks that are shown. */
export const GroupActions = ({
  group,
  lines,
  shown,
  onDone,
}: {
  group: TaskGroupResponse | undefined;
  lines: readonly Line[];
  shown: readonly Line[];
  onDone: () => void;
}) => {
  const causes = firstCauses(lines).map(({ line }) => line);
  const isFiltered = shown.length < lines.length;
  const open = (isFiltered ? shown : lines).filter((line) => !isOver(line));
  const cancel = async () => {
    const { queue } = await api();
    await forEachInSteps(open, ({ taskId }) => queue.cancelTask(taskId));
    onDone();
  };
  const rerun = async () => {
    const { queue } = await api();
    await forEachInSteps(causes, ({ taskId }) => queue.rerunTask(taskId));
    onDone();
  };
  const rank = async (newPriority: Line['priority']) => {
    const { queue } = await api();
    if (!isFiltered && group) await queue.changeTaskGroupPriority(group.taskGroupId, { newPriority });
    else await forEachInSteps(open, ({ taskId }) => queue.changeTaskPriority(taskId, { newPriority }));
    onDone();
  };
  const seal = async () => {
    if (group) await (await api()).queue.sealTaskGroup(group.taskGroupId);
    onDone();
  };
  return (
    <>
      <Confirmed
        label="Rerun failed"
        question={`Run ${tasksText(causes.length)} again that failed first? What waits for them starts by itself once they complete.`}
        run={rerun}
        disabled={causes.length === 0}
      />
      <PriorityChange
        question={`Give ${tasksText(open.length)} another priority?`}
        change={rank}
        disabled={open.length === 0}
      />
      <Confirmed
        label="Seal"
        question="Seal the group? Nobody can add tasks to it from then on."
        run={seal}
        disabled={!group || group.sealed !== undefined}
      />
      <Confirmed
        label={isFiltered ? 'Cancel shown' : 'Cancel'}
        question={`Cancel ${tasksText(open.length)} that ${open.length === 1 ? 'is' : 'are'} not over?`}
        run={cancel}
        disabled={open.length === 0}
        danger
      />
    </>
  );
};
