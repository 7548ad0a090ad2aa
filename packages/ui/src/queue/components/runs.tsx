import { Anchor, Card, Group, Text, Timeline } from '@mantine/core';
import type { Run, TaskStatus } from '@taskyard/client/browser';
import { Lasted, Moment } from '../../shell/moment.tsx';
import { paths } from '../../shell/paths.ts';
import { StateMark } from '../../shell/state-mark.tsx';
import { useLink } from '../../shell/use-link.ts';
import { storyOf } from '../story.ts';

const RunCard = ({ run, status, isChosen }: { run: Run; status: TaskStatus; isChosen: boolean }) => {
  const link = useLink();
  const story = storyOf(run);
  return (
    <Card
      withBorder
      padding="sm"
      {...(isChosen ? { style: { borderColor: 'var(--mantine-color-anchor)' } } : {})}
    >
      <Group justify="space-between">
        <Group gap="xs">
          <Anchor
            fw={600}
            {...link(paths.task(status.taskId, run.runId))}
            aria-current={isChosen ? 'true' : undefined}
          >
            Run {run.runId}
          </Anchor>
          <StateMark state={run.state} reason={run.reasonResolved} />
        </Group>
        {run.started && (
          <Text size="sm">
            <Lasted from={run.started} to={run.resolved} />
          </Text>
        )}
      </Group>
      <Timeline active={story.length} bulletSize={12} lineWidth={2} mt="sm">
        {story.map(({ at, what, worker }) => (
          <Timeline.Item key={what}>
            <Text size="sm">
              It {what}
              {worker && (
                <>
                  {' '}
                  <Anchor {...link(paths.worker(status.taskQueueId, worker))}>
                    {worker.workerGroup}/{worker.workerId}
                  </Anchor>
                </>
              )}
              .
            </Text>
            <Text size="xs" c="dimmed">
              <Moment at={at} />
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
    </Card>
  );
};

/** The runs of a task as a story, the latest first. */
export const Runs = ({ status, runId }: { status: TaskStatus; runId: number | undefined }) => {
  if (status.runs.length === 0) return <Text c="dimmed">It has not been scheduled yet.</Text>;
  return [...status.runs]
    .reverse()
    .map((run) => <RunCard key={run.runId} run={run} status={status} isChosen={run.runId === runId} />);
};
