import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { api } from '../session/api.ts';
import { Answer } from '../shell/page.tsx';
import { poolUseText } from './pool-use.ts';

// The library that draws it is only loaded where there is something to draw.
const PoolUsePlot = lazy(() =>
  import('./pool-use-plot.tsx').then(({ PoolUsePlot: component }) => ({ default: component })),
);

/** What a pool had and cost in the last week, in words and as a plot. */
export const PoolUse = ({ workerPoolId }: { workerPoolId: string }) => {
  const use = useQuery({
    queryKey: ['pool', workerPoolId, 'samples'],
    queryFn: async ({ signal }) => (await api()).workerManager.workerPoolSamples(workerPoolId, { signal }),
    refetchInterval: 60_000,
  });
  return (
    <Answer query={use} what="what it had and cost">
      {(known) =>
        known.samples.length === 0 ? (
          <Text c="dimmed">It had no workers in the last week.</Text>
        ) : (
          <>
            <Text size="sm">{poolUseText(known)}</Text>
            <Suspense>
              <PoolUsePlot use={known} />
            </Suspense>
          </>
        )
      }
    </Answer>
  );
};
