import { Chip, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useRef, useState } from 'react';
import type { GroupSearch } from '../router.tsx';
import { useShortcuts } from '../shell/shortcuts.ts';
import { StateBar, type TaskState, taskStates } from '../shell/state-mark.tsx';
import { sortNames } from './lines.ts';

/** How many tasks are in each state; states without tasks may be absent. */
export type Counts = Readonly<Partial<Record<TaskState, number>>>;

const sumOf = (counts: Counts, states: readonly TaskState[]): number =>
  states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);

/** What the server takes as words of a search, in characters. */
const wordsMax = 255;

/** How many tasks of a group are over. */
export const Progress = ({ counts }: { counts: Counts }) => {
  const [over, total] = [sumOf(counts, ['completed', 'failed', 'exception']), sumOf(counts, taskStates)];
  return (
    <Stack gap={4}>
      <Text size="sm" aria-live="polite">
        {over} of {total} {total === 1 ? 'task is' : 'tasks are'} over
      </Text>
      <StateBar counts={counts} />
    </Stack>
  );
};

/** Puts values into the address, or takes them out of it. */
export type Change = (change: { [K in keyof GroupSearch]?: GroupSearch[K] | undefined }) => void;

/** What narrows and orders the tasks of a group; the address keeps it. */
export const Filters = ({
  counts,
  search,
  change,
}: {
  counts: Counts;
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
  return (
    <Group gap="xs" align="flex-end">
      <TextInput
        ref={words}
        size="xs"
        label="Search"
        placeholder="name, queue or id ( s )"
        maxLength={wordsMax}
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
            .filter((state) => counts[state] || search.state?.split(',').includes(state))
            .map((state) => (
              <Chip key={state} value={state} size="xs" variant="outline">
                {state} {counts[state] ?? 0}
              </Chip>
            ))}
        </Group>
      </Chip.Group>
    </Group>
  );
};
