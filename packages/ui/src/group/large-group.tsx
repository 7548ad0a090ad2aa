import { Group, Text } from '@mantine/core';
import type { TaskGroupResponse } from '@taskyard/client/browser';
import { useRef } from 'react';
import type { GroupSearch } from '../router.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { ChosenCount } from './chosen-count.tsx';
import { type Change, type Counts, Filters, Progress } from './filters.tsx';
import { FirstCauses } from './first-causes-view.tsx';
import { GroupActions } from './group-actions.tsx';
import { type Choice, GroupList } from './group-list.tsx';
import { ChosenView, ViewChoice } from './group-views.tsx';
import { LargeActions } from './large-actions.tsx';
import { type Line, wentWrong } from './lines.ts';
import { useChoice } from './use-choice.ts';
import { rowsMax, useLargeGroup } from './use-large-group.ts';

/** The chosen tasks as they were shown last: the list may hold others by now. */
const useChosenLines = (ids: ReadonlySet<string>, lines: readonly Line[]): Line[] => {
  const known = useRef(new Map<string, Line>());
  for (const line of lines) if (ids.has(line.taskId)) known.current.set(line.taskId, line);
  return [...ids].flatMap((id) => known.current.get(id) ?? []);
};

/** What was counted last, also while a filter that the server refuses counts nothing. */
const useLastCounts = (counts: Counts | undefined): Counts => {
  const last = useRef<Counts>({});
  if (counts) last.current = counts;
  return last.current;
};

type Large = ReturnType<typeof useLargeGroup>;

interface Shown {
  readonly large: Large;
  readonly search: GroupSearch;
  readonly change: Change;
  readonly choice: Choice;
  /** How many tasks fit. */
  readonly fitting: number;
}

const Rows = ({ large: { rows, more }, choice, fitting }: Shown) => (
  <Answer query={rows} what="these tasks">
    {({ tasks }) => (
      <GroupList
        lines={tasks}
        choice={choice}
        total={Math.min(fitting, rowsMax)}
        readAt={rows.dataUpdatedAt}
        onEnd={more}
      />
    )}
  </Answer>
);

/** A graph or a waterfall, of a part of the group. */
const Part = ({ large: { part }, search, change, fitting }: Shown) => (
  <Answer query={part} what="these tasks">
    {({ chosen, tasks }) => (
      <>
        <Text size="sm" c="dimmed">
          {chosen < fitting
            ? `The first ${chosen} of the ${fitting} tasks that fit`
            : `The ${chosen} that fit`}
          {tasks.length > chosen &&
            `, and ${tasks.length - chosen} tasks that they depend on or that depend on them`}
          . Choose states, words or another order to see others.
        </Text>
        <ChosenView lines={tasks} search={search} change={change} list={null} />
      </>
    )}
  </Answer>
);

/** A group of more tasks than a page can hold: it shows those that the server finds, a page at a time. */
export const LargeGroup = ({
  taskGroupId,
  name,
  group,
  search,
  change,
  onDone,
}: {
  taskGroupId: string;
  name: string | undefined;
  group: TaskGroupResponse | undefined;
  search: GroupSearch;
  change: Change;
  onDone: () => void;
}) => {
  const large = useLargeGroup(taskGroupId, search);
  const { counts, causes, rows, filter } = large;
  const choice = useChoice();
  const chosen = useChosenLines(choice.ids, rows.data?.tasks ?? []);
  const states = useLastCounts(counts.data?.counts);
  const { total = 0, fitting = 0 } = counts.data ?? {};
  const isAll = filter.state === undefined && filter.search === undefined;
  const shown = { large, search, change, choice, fitting };
  return (
    <Page
      kind="Task group"
      title={name || taskGroupId}
      actions={
        choice.ids.size > 0 ? (
          <GroupActions
            group={group}
            concerned={{ kind: 'chosen', lines: chosen, failed: chosen.filter(wentWrong) }}
            onDone={onDone}
          />
        ) : (
          <LargeActions
            taskGroupId={taskGroupId}
            group={group}
            fitting={{ filter, count: counts.isPlaceholderData ? 0 : fitting, isAll }}
            onDone={onDone}
          />
        )
      }
    >
      {Object.keys(states).length > 0 && <Progress counts={states} />}
      {group?.sealed && (
        <Text size="sm" c="dimmed">
          Sealed <Moment at={group.sealed} />
        </Text>
      )}
      {causes && (
        <FirstCauses
          causes={causes.causes.map(({ task, waiting }) => ({ line: task, waiting }))}
          found={causes.found}
          isExact={causes.isExact}
        />
      )}
      <Group justify="space-between" align="flex-end">
        <Filters counts={states} search={search} change={change} />
        <ViewChoice search={search} change={change} />
      </Group>
      <Answer query={counts} what="these tasks">
        {() => (
          <>
            <Group gap="xs">
              {search.view === undefined && (
                <Text size="sm" c="dimmed" aria-live="polite">
                  {fitting} of {total} fit
                  {fitting > rowsMax && `; the list holds the first ${rowsMax}`}
                </Text>
              )}
              <ChosenCount choice={choice} />
            </Group>
            {search.view === undefined ? <Rows {...shown} /> : <Part {...shown} />}
          </>
        )}
      </Answer>
    </Page>
  );
};
