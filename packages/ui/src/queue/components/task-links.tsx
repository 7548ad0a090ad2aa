import { Anchor, Group, Stack, Text } from '@mantine/core';
import { paths } from '../../shell/paths.ts';
import { StateMark, type TaskState } from '../../shell/state-mark.tsx';
import { useLink } from '../../shell/use-link.ts';

export interface NamedTask {
  readonly taskId: string;
  readonly name: string;
  readonly state: TaskState;
}

/** Links to tasks, with their states. */
export const TaskLinks = ({ tasks, nothing }: { tasks: readonly NamedTask[]; nothing: string }) => {
  const link = useLink();
  if (tasks.length === 0) return <Text c="dimmed">{nothing}</Text>;
  return (
    <Stack gap={4}>
      {tasks.map(({ taskId, name, state }) => (
        <Group key={taskId} gap="xs" wrap="nowrap">
          <StateMark state={state} />
          <Anchor {...link(paths.task(taskId))} style={{ overflowWrap: 'anywhere' }}>
            {name || taskId}
          </Anchor>
        </Group>
      ))}
    </Stack>
  );
};
