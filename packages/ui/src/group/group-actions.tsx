import type { TaskGroupResponse } from '@taskyard/client/browser';
import { api } from '../session/api.ts';
import { Confirmed } from '../shell/confirmed.tsx';
import { PriorityChange } from '../shell/priority-change.tsx';
import { forEachInSteps } from './in-steps.ts';
import { isOver, type Line } from './lines.ts';

const tasksText = (count: number): string => (count === 1 ? '1 task' : `${count} tasks`);
const namedMax = 20;

/** A question about tasks, with their names. */
const About = ({ question, tasks }: { question: string; tasks: readonly Line[] }) => (
  <>
    {question}
    <ul className="named">
      {tasks.slice(0, namedMax).map(({ taskId, name }) => (
        <li key={taskId}>{name || taskId}</li>
      ))}
      {tasks.length > namedMax && <li>and {tasks.length - namedMax} more</li>}
    </ul>
  </>
);

/** A button that seals a group. */
export const SealGroup = ({
  group,
  onDone,
}: {
  group: TaskGroupResponse | undefined;
  onDone: () => void;
}) => {
  const seal = async () => {
    if (group) await (await api()).queue.sealTaskGroup(group.taskGroupId).finally(onDone);
  };
  return (
    <Confirmed
      label="Seal"
      question="Seal the group? Nobody can add tasks to it from then on."
      run={seal}
      disabled={!group || group.sealed !== undefined}
    />
  );
};

/** Which tasks of a group are acted on, and how that is called. */
export interface Concerned {
  readonly kind: 'all' | 'shown' | 'chosen';
  readonly lines: readonly Line[];
  /** Those of them that are run again: what the user chose and went wrong, else what failed first in the whole group. */
  readonly failed: readonly Line[];
}

/** What can be done to a group as a whole, to the tasks that are shown, or to those that the user has chosen. */
export const GroupActions = ({
  group,
  concerned: { kind, lines, failed },
  onDone,
}: {
  group: TaskGroupResponse | undefined;
  concerned: Concerned;
  onDone: () => void;
}) => {
  const suffix = kind === 'all' ? '' : ` ${kind}`;
  const open = lines.filter((line) => !isOver(line));
  const cancel = async (tasks: readonly Line[]) => {
    const { queue } = await api();
    await forEachInSteps(tasks, ({ taskId }) => queue.cancelTask(taskId)).finally(onDone);
  };
  const rerun = async (tasks: readonly Line[]) => {
    const { queue } = await api();
    await forEachInSteps(tasks, ({ taskId }) => queue.rerunTask(taskId)).finally(onDone);
  };
  const rank = async (newPriority: Line['priority'], about: Pick<Concerned, 'kind' | 'lines'>) => {
    const { queue } = await api();
    const change =
      about.kind === 'all' && group
        ? queue.changeTaskGroupPriority(group.taskGroupId, { newPriority })
        : forEachInSteps(about.lines, ({ taskId }) => queue.changeTaskPriority(taskId, { newPriority }));
    await Promise.resolve(change).finally(onDone);
  };
  return (
    <>
      <Confirmed
        label={kind === 'chosen' ? 'Rerun chosen' : 'Rerun failed'}
        subject={failed}
        question={(tasks) => (
          <About
            question={`Run ${tasksText(tasks.length)} again that failed first? What waits for them starts by itself once they complete.`}
            tasks={tasks}
          />
        )}
        run={rerun}
        disabled={failed.length === 0}
      />
      <PriorityChange
        subject={{ kind, lines: open }}
        question={(about) => (
          <About question={`Give ${tasksText(about.lines.length)} another priority?`} tasks={about.lines} />
        )}
        change={rank}
        disabled={open.length === 0}
      />
      <SealGroup group={group} onDone={onDone} />
      <Confirmed
        label={`Cancel${suffix}`}
        subject={open}
        question={(tasks) => (
          <About
            question={`Cancel ${tasksText(tasks.length)} that ${tasks.length === 1 ? 'is' : 'are'} not over?`}
            tasks={tasks}
          />
        )}
        run={cancel}
        disabled={open.length === 0}
        danger
      />
    </>
  );
};
