import { Alert, Anchor, Stack, Text } from '@mantine/core';
import { Moment } from '../../shell/moment.tsx';
import { Answer } from '../../shell/page.tsx';
import { paths } from '../../shell/paths.ts';
import { useLink } from '../../shell/use-link.ts';
import { useExplanation } from '../queries.ts';
import { TaskLinks } from './task-links.tsx';

/** Why a task waits, and for what. */
export const Why = ({ taskId }: { taskId: string }) => {
  const explanation = useExplanation(taskId, true);
  const link = useLink();
  return (
    <Alert color="blue" title="Why it waits">
      <Answer query={explanation} what="why it waits">
        {({ because, unmet, unmetCount, line }) => (
          <Stack gap="xs">
            <Text>{because}</Text>
            {unmet.length > 0 && <TaskLinks tasks={unmet} nothing="" />}
            {unmetCount > unmet.length && <Text size="sm">and {unmetCount - unmet.length} more</Text>}
            {line && (
              <Text size="sm">
                In <Anchor {...link(paths.queue(line.taskQueueId))}>{line.taskQueueId}</Anchor> since{' '}
                <Moment at={line.since} />: {line.running} running, {line.workersSeen} workers seen within a
                day
                {line.workersQuarantined > 0 && `, ${line.workersQuarantined} of them in quarantine`}
                {line.lastSeen && (
                  <>
                    , the last one <Moment at={line.lastSeen} />
                  </>
                )}
                .
              </Text>
            )}
            {line?.paused && (
              <Text size="sm">
                <Anchor {...link(paths.pool(line.taskQueueId))}>The worker pool</Anchor> is paused since{' '}
                <Moment at={line.paused.since} />
                {line.paused.reason && `: ${line.paused.reason}`}
              </Text>
            )}
            {line && <Text size="sm">When it starts: {line.expected.says}</Text>}
            {line?.decision && (
              <Text size="sm">
                The provisioner decided <Moment at={line.decision.decided} />: {line.decision.action},{' '}
                {line.decision.reason}
                {line.decision.trouble && `; trouble: ${line.decision.trouble}`}.{' '}
                <Anchor {...link(paths.pool(line.taskQueueId))}>The pool</Anchor>
              </Text>
            )}
          </Stack>
        )}
      </Answer>
    </Alert>
  );
};
