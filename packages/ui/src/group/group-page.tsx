import { Alert, Anchor, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useDeferredValue, useMemo } from 'react';
import type { GroupSearch } from '../router.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { StateMark } from '../shell/state-mark.tsx';
import { useLink } from '../shell/use-link.ts';
import { ChosenCount } from './chosen-count.tsx';
import { CriticalPath } from './critical-path-view.tsx';
import { type Change, Filters, Progress } from './filters.tsx';
import { firstCauses } from './first-causes.ts';
import { type Concerned, GroupActions } from './group-actions.tsx';
import { type Choice, GroupList } from './group-list.tsx';
import { LargeGroup } from './large-group.tsx';
import { countStates, type Line, selectLines, wentWrong } from './lines.ts';
import { useChoice } from './use-choice.ts';
import { useGroup } from './use-group.ts';
import { Waterfall } from './waterfall.tsx';

// Half of the weight of this page, and only looked at by some.
const GraphView = lazy(() =>
  import('./graph-view.tsx').then(({ GraphView: component }) => ({ default: component })),
);

const causesShownMax = 5;

const FirstCauses = ({ causes }: { causes: ReturnType<typeof firstCauses> }) => {
  const link = useLink();
  if (causes.length === 0) return null;
  return (
    <Alert color="red" title={causes.length === 1 ? 'The first cause' : `${causes.length} first causes`}>
      <Stack gap={4}>
        {causes.slice(0, causesShownMax).map(({ line, waiting }) => (
          <Group key={line.taskId} gap="xs">
            <StateMark state={line.state} reason={line.reasonResolved} />
            <Anchor {...link(paths.task(line.taskId))}>{line.name || line.taskId}</Anchor>
            {line.started && (
              <Anchor
                size="sm"
                {...link(`${paths.log(line.taskId, line.runs - 1, 'public/logs/live.log')}#error`)}
              >
                log at the first error
              </Anchor>
            )}
            <Text size="sm">
              {waiting === 0
                ? 'nothing waits for it'
                : `${waiting} ${waiting === 1 ? 'task waits' : 'tasks wait'} for it in vain`}
            </Text>
          </Group>
        ))}
        {causes.length > causesShownMax && <Text size="sm">and {causes.length - causesShownMax} more</Text>}
      </Stack>
    </Alert>
  );
};

const Content = ({
  lines,
  search,
  change,
  choice,
}: {
  lines: readonly Line[];
  search: GroupSearch;
  change: Change;
  choice: Choice;
}) => {
  if (search.view === 'graph') {
    return (
      <Suspense fallback={<Text>Drawing…</Text>}>
        <GraphView lines={lines} onSearch={(q) => change({ q, view: undefined })} />
      </Suspense>
    );
  }
  return search.view === 'waterfall' ? (
    <Waterfall lines={lines} />
  ) : (
    <GroupList lines={lines} choice={choice} />
  );
};

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
  const { lines: query, head, isLarge, reread } = useGroup(taskGroupId);
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
        group={head.data}
        search={search}
        change={change}
        onDone={reread}
      />
    );
  const own = lines.find((line) => line.taskId === taskGroupId)?.name;
  return (
    <Page
      kind="Task group"
      title={own || taskGroupId}
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
              <SegmentedControl
                size="xs"
                aria-label="View"
                value={search.view ?? 'list'}
                onChange={(view) => change({ view: view === 'list' ? undefined : (view as 'graph') })}
                data={['list', 'graph', 'waterfall']}
              />
            </Group>
            <Group gap="xs">
              <Text size="sm" c="dimmed">
                {shown.length} of {lines.length} shown
              </Text>
              <ChosenCount choice={choice} />
            </Group>
            <Content lines={shown} search={search} change={change} choice={choice} />
          </>
        )}
      </Answer>
    </Page>
  );
};
