import { Group, Text } from '@mantine/core';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useDeferredValue, useMemo } from 'react';
import type { GroupSearch } from '../router.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { ChosenCount } from './chosen-count.tsx';
import { CriticalPath } from './critical-path-view.tsx';
import { type Change, Filters, Progress } from './filters.tsx';
import { firstCauses } from './first-causes.ts';
import { FirstCauses } from './first-causes-view.tsx';
import { type Concerned, GroupActions } from './group-actions.tsx';
import { type Choice, GroupList } from './group-list.tsx';
import { ChosenView, ViewChoice } from './group-views.tsx';
import { LargeGroup } from './large-group.tsx';
import { countStates, type Line, selectLines, wentWrong } from './lines.ts';
import { useChoice } from './use-choice.ts';
import { useGroup } from './use-group.ts';

const concernedIn = (
  { lines, shown, causes }: { lines: readonly Line[]; shown: readonly Line[]; causes: readonly Line[] },
  { ids }: Choice,
): Concerned => {
  if (ids.size > 0) {
    const chosen = selectLines(
      lines.filter(({ taskId }) => ids.has(taskId)),
      { sort: 'name' },
    );
    return { kind: 'chosen', lines: chosen, failed: chosen.filter(wentWrong) };
  }
  if (shown.length === lines.length) return { kind: 'all', lines: shown, failed: causes };
  // A failure is the first or not by what it depends on, be that shown or not.
  const isShown = new Set(shown.map(({ taskId }) => taskId));
  return { kind: 'shown', lines: shown, failed: causes.filter(({ taskId }) => isShown.has(taskId)) };
};

/** `/tasks/groups/<taskGroupId>/tasks` */
export const GroupPage = () => {
  const { taskGroupId = '' } = useParams({ strict: false });
  const search = useSearch({ strict: false }) as GroupSearch;
  const navigate = useNavigate();
  const { lines: query, head, name, isLarge, reread } = useGroup(taskGroupId);
  const lines = query.data ?? [];
  const { q, state, sort } = useDeferredValue(search);
  const causes = useMemo(() => firstCauses(lines), [lines]);
  const counts = useMemo(() => countStates(lines), [lines]);
  const shown = useMemo(() => selectLines(lines, { q, state, sort }), [lines, q, state, sort]);
  const choice = useChoice();
  const change: Change = (values) =>
    void navigate({
      to: '.',
      search: (before: object) =>
        Object.fromEntries(
          Object.entries({ ...before, ...values }).filter(([, value]) => value !== undefined),
        ),
      replace: true,
    } as never);
  if (isLarge)
    return (
      <LargeGroup
        key={taskGroupId}
        taskGroupId={taskGroupId}
        name={name}
        group={head.data}
        search={search}
        change={change}
        onDone={reread}
      />
    );
  return (
    <Page
      kind="Task group"
      title={name || taskGroupId}
      actions={
        <GroupActions
          group={head.data}
          concerned={concernedIn({ lines, shown, causes: causes.map(({ line }) => line) }, choice)}
          onDone={reread}
        />
      }
    >
      <Answer query={query} what="this group">
        {() => (
          <>
            <Progress counts={counts} />
            {head.data?.sealed && (
              <Text size="sm" c="dimmed">
                Sealed <Moment at={head.data.sealed} />
              </Text>
            )}
            <FirstCauses causes={causes} />
            {search.view && <CriticalPath lines={lines} />}
            <Group justify="space-between" align="flex-end">
              <Filters counts={counts} search={search} change={change} />
              <ViewChoice search={search} change={change} />
            </Group>
            <Group gap="xs">
              <Text size="sm" c="dimmed">
                {shown.length} of {lines.length} shown
              </Text>
              <ChosenCount choice={choice} />
            </Group>
            <ChosenView
              lines={shown}
              search={search}
              change={change}
              list={<GroupList lines={shown} choice={choice} />}
            />
          </>
        )}
      </Answer>
    </Page>
  );
};
