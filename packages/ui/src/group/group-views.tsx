import { SegmentedControl, Text } from '@mantine/core';
import { lazy, type ReactNode, Suspense } from 'react';
import type { GroupSearch } from '../router.tsx';
import type { Change } from './filters.tsx';
import type { Line } from './lines.ts';
import { Waterfall } from './waterfall.tsx';

// Half of the weight of this page, and only looked at by some.
const GraphView = lazy(() =>
  import('./graph-view.tsx').then(({ GraphView: component }) => ({ default: component })),
);

/** The choice between list, graph and waterfall; the address keeps it. */
export const ViewChoice = ({ search, change }: { search: GroupSearch; change: Change }) => (
  <SegmentedControl
    size="xs"
    aria-label="View"
    value={search.view ?? 'list'}
    onChange={(view) => change({ view: view === 'list' ? undefined : (view as 'graph') })}
    data={['list', 'graph', 'waterfall']}
  />
);

/** Tasks in the chosen view. */
export const ChosenView = ({
  lines,
  search,
  change,
  list,
}: {
  /** The tasks of a graph or a waterfall. */
  lines: readonly Line[];
  search: GroupSearch;
  change: Change;
  list: ReactNode;
}) => {
  if (search.view === 'graph') {
    return (
      <Suspense fallback={<Text>Drawing…</Text>}>
        <GraphView lines={lines} onSearch={(q) => change({ q, view: undefined })} />
      </Suspense>
    );
  }
  return search.view === 'waterfall' ? <Waterfall lines={lines} /> : list;
};
