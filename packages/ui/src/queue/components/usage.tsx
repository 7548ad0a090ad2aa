import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { readArtifactText } from '@taskyard/client/browser';
import { lazy, Suspense } from 'react';
import { api } from '../../session/api.ts';
import { Answer, Section } from '../../shell/page.tsx';
import { useArtifacts } from '../queries.ts';
import { usageIn, usageName, usageText } from '../usage.ts';

// The library that draws it is only loaded where there is something to draw.
const UsagePlot = lazy(() =>
  import('./usage-plot.tsx').then(({ UsagePlot: component }) => ({ default: component })),
);

/** What a run has used of memory and processors, where its worker has written that. */
export const UsageSection = ({ taskId, runId }: { taskId: string; runId: number | undefined }) => {
  const isThere = useArtifacts(taskId, runId).data?.some(({ name }) => name === usageName) ?? false;
  const usage = useQuery({
    queryKey: ['usage', taskId, runId],
    queryFn: async ({ signal }) =>
      usageIn(await readArtifactText((await api()).queue, { taskId, runId, name: usageName }, signal)),
    enabled: isThere,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!isThere) return null;
  return (
    <Section title="Memory and processors">
      <Answer query={usage} what="its use of memory and processors">
        {(known) => (
          <>
            <Text size="sm">{usageText(known)}</Text>
            <Suspense>
              <UsagePlot usage={known} />
            </Suspense>
          </>
        )}
      </Answer>
    </Section>
  );
};
