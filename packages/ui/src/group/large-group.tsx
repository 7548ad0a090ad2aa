import { Group, Text } from '@mantine/core';
import type { TaskGroupResponse } from '@taskyard/client/browser';
import { useRef } from 'react';
import type { GroupSearch } from '../router.tsx';
import { Failure } from '../shell/failure.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { ChosenCount } from './chosen-count.tsx';
import { type Change, Filters, Progress } from './filters.tsx';
import { GroupActions } from './group-actions.tsx';
import { GroupList } from './group-list.tsx';
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

/** A group of more tasks than a page can hold: it shows those that the server finds, a page at a time. */
export const LargeGroup = ({
  taskGroupId,
  group,
  search,
  change,
  onDone,
}: {
  taskGroupId: string;
  group: TaskGroupResponse | undefined;
  search: GroupSearch;
  change: Change;
  onDone: () => void;
}) => {
  const { counts, pages, lines, filter } = useLargeGroup(taskGroupId, search);
  const choice = useChoice();
  const chosen = useChosenLines(choice.ids, lines);
  const { total = 0, fitting = 0 } = counts.data ?? {};
  const isAll = filter.state === undefined && filter.search === undefined;
  return (
    <Page
      kind="Task group"
      title={taskGroupId}
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
      <Answer query={counts} what="this group">
        {({ counts: states }) => (
          <>
            <Progress counts={states} />
            {group?.sealed && (
              <Text size="sm" c="dimmed">
                Sealed <Moment at={group.sealed} />
              </Text>
            )}
            <Filters counts={states} search={search} change={change} />
            <Group gap="xs">
              <Text size="sm" c="dimmed" aria-live="polite">
                {fitting} of {total} fit
                {fitting > rowsMax && `; the list holds the first ${rowsMax}`}
              </Text>
              <ChosenCount choice={choice} />
            </Group>
            {pages.error && <Failure error={pages.error} what="these tasks" />}
            <GroupList
              lines={lines}
              choice={choice}
              total={Math.min(fitting, rowsMax)}
              readAt={pages.dataUpdatedAt}
              onEnd={() => {
                if (pages.hasNextPage && !pages.isFetching) void pages.fetchNextPage();
              }}
            />
          </>
        )}
      </Answer>
    </Page>
  );
};
