import { Alert, Anchor, Group, Stack, Text } from '@mantine/core';
import { paths } from '../shell/paths.ts';
import { StateMark } from '../shell/state-mark.tsx';
import { useLink } from '../shell/use-link.ts';
import type { Cause } from './first-causes.ts';

const shownMax = 5;
/** The server counts no further. */
const waitingMax = 10_000;

const waitingText = (waiting: number): string => {
  if (waiting === 0) return 'nothing waits for it';
  if (waiting >= waitingMax) return `${waitingMax} tasks or more wait for it in vain`;
  return `${waiting} ${waiting === 1 ? 'task waits' : 'tasks wait'} for it in vain`;
};

/** What a group failed by; nothing while it has not failed. */
export const FirstCauses = ({
  causes,
  found = causes.length,
  isExact = true,
}: {
  causes: readonly Cause[];
  /** How many there are, where not all of them are given. */
  found?: number;
  /** Whether all tasks that went wrong were looked at. */
  isExact?: boolean;
}) => {
  const link = useLink();
  if (causes.length === 0) return null;
  const shown = causes.slice(0, shownMax);
  return (
    <Alert
      color="red"
      title={found === 1 ? 'The first cause' : `${found}${isExact ? '' : ' or more'} first causes`}
    >
      <Stack gap={6}>
        {shown.map(({ line, waiting }) => (
          <Group key={line.taskId} gap="xs" style={{ rowGap: 0 }}>
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
            <Text size="sm">{waitingText(waiting)}</Text>
          </Group>
        ))}
        {found > shown.length && <Text size="sm">and {found - shown.length} more</Text>}
      </Stack>
    </Alert>
  );
};
