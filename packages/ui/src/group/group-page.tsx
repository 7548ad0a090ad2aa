import {
  Alert,
  Anchor,
  Button,
  Chip,
  Group,
  SegmentedControl,
  Select,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useDeferredValue, useMemo, useRef, useState } from 'react';
import type { GroupSearch } from '../router.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useShortcuts } from '../shell/shortcuts.ts';
import { StateBar, StateMark, taskStates } from '../shell/state-mark.tsx';
import { useLink } from '../shell/use-link.ts';
import { CriticalPath } from './critical-path-view.tsx';
import { firstCauses } from './first-causes.ts';
import { type Concerned, GroupActions } from './group-actions.tsx';
import { type Choice, GroupList } from './group-list.tsx';
import { countStates, type Line, selectLines, sortNames } from './lines.ts';
import { useGroup } from './use-group.ts';
import { Waterfall } from './waterfall.tsx';

// Half of the weight of this page, and only looked at by some.
const GraphView = lazy(() =>
  import('./graph-view.tsx').then(({ GraphView: component }) => ({ default: component })),
);

const causesShownMax = 5;

const FirstCauses = ({ lines }: { lines: readonly Line[] }) => {
  const link = useLink();
  const causes = useMemo(() => firstCauses(lines), [lines]);
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

const Progress = ({ lines }: { lines: readonly Line[] }) => {
  const counts = countStates(lines);
  const over = counts.completed + counts.failed + counts.exception;
  return (
    <Stack gap={4}>
      <Text size="sm" aria-live="polite">
        {over} of {lines.length} {lines.length === 1 ? 'task is' : 'tasks are'} over
      </Text>
      <StateBar counts={counts} />
    </Stack>
  );
};

type Change = (change: { [K in keyof GroupSearch]?: GroupSearch[K] | undefined }) => void;

const Filters = ({
  lines,
  search,
  change,
}: {
  lines: readonly Line[];
  search: GroupSearch;
  change: Change;
}) => {
  const words = useRef<HTMLInputElement>(null);
  // The field is ahead of the address while the user types; the address leads when it changes otherwise.
  const [typed, setTyped] = useState(search.q ?? '');
  const [inAddress, setInAddress] = useState(search.q);
  if (search.q !== inAddress) {
    setInAddress(search.q);
    if (words.current !== document.activeElement) setTyped(search.q ?? '');
  }
  useShortcuts([{ keys: 's', does: 'search in the group', run: () => words.current?.focus() }]);
  const counts = countStates(lines);
  return (
    <Group gap="xs" align="flex-end">
      <TextInput
        ref={words}
        size="xs"
        label="Search"
        placeholder="name, queue or id ( s )"
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          change({ q: event.currentTarget.value || undefined });
        }}
      />
      <Select
        size="xs"
        label="Order"
        data={sortNames}
        value={search.sort ?? 'state'}
        onChange={(sort) => change({ sort: sort === 'state' || !sort ? undefined : sort })}
        allowDeselect={false}
        w={120}
      />
      <Chip.Group
        multiple
        value={search.state ? search.state.split(',') : []}
        onChange={(states) => change({ state: states.join(',') || undefined })}
      >
        <Group gap={4}>
          {taskStates
            .filter((state) => counts[state] > 0)
            .map((state) => (
              <Chip key={state} value={state} size="xs" variant="outline">
                {state} {counts[state]}
              </Chip>
            ))}
        </Group>
      </Chip.Group>
    </Group>
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

/** What the user has chosen of a group. */
const useChoice = (): Choice & { readonly clear: () => void } => {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const toggle = (taskId: string) =>
    setIds((before) => {
      const next = new Set(before);
      if (!next.delete(taskId)) next.add(taskId);
      return next;
    });
  return { ids, toggle, clear: () => setIds(new Set()) };
};

const concernedIn = (lines: readonly Line[], shown: readonly Line[], { ids }: Choice): Concerned => {
  if (ids.size > 0) {
    const chosen = lines.filter(({ taskId }) => ids.has(taskId));
    return { kind: 'chosen', lines: selectLines(chosen, { sort: 'name' }) };
  }
  return { kind: shown.length < lines.length ? 'shown' : 'all', lines: shown };
};

/** `/tasks/groups/<taskGroupId>/tasks` */
export const GroupPage = () => {
  const { taskGroupId = '' } = useParams({ strict: false });
  const search = useSearch({ strict: false }) as GroupSearch;
  const navigate = useNavigate();
  const { lines: query, head, reread } = useGroup(taskGroupId);
  const lines = query.data ?? [];
  const { q, state, sort } = useDeferredValue(search);
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
  const own = lines.find((line) => line.taskId === taskGroupId)?.name;
  return (
    <Page
      kind="Task group"
      title={own || taskGroupId}
      actions={
        <GroupActions group={head.data} concerned={concernedIn(lines, shown, choice)} onDone={reread} />
      }
    >
      <Answer query={query} what="this group">
        {() => (
          <>
            <Progress lines={lines} />
            {head.data?.sealed && (
              <Text size="sm" c="dimmed">
                Sealed <Moment at={head.data.sealed} />
              </Text>
            )}
            <FirstCauses lines={lines} />
            {search.view && <CriticalPath lines={lines} />}
            <Group justify="space-between" align="flex-end">
              <Filters lines={lines} search={search} change={change} />
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
              {choice.ids.size > 0 && (
                <>
                  <Text size="sm" aria-live="polite">
                    {choice.ids.size} chosen
                  </Text>
                  <Button size="compact-xs" variant="default" onClick={choice.clear}>
                    Choose none
                  </Button>
                </>
              )}
            </Group>
            <Content lines={shown} search={search} change={change} choice={choice} />
          </>
        )}
      </Answer>
    </Page>
  );
};
