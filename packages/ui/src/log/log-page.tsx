import { Anchor, Group, Text } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { useTask } from '../queue/queries.ts';
import { Page } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';
import { LogView } from './log-view.tsx';

/** `/tasks/<taskId>/runs/<runId>/logs/<name>` */
export const LogPage = () => {
  const { taskId = '', runId = '0', _splat: name = '' } = useParams({ strict: false });
  const link = useLink();
  const task = useTask(taskId);
  return (
    <Page kind={`Log of run ${runId}`} title={task.data?.metadata.name || taskId}>
      <Group gap="md">
        <Anchor {...link(paths.task(taskId, Number(runId)))}>Back to the task</Anchor>
        <Text size="sm" c="dimmed" className="mono">
          {name}
        </Text>
      </Group>
      <LogView key={`${taskId}/${runId}/${name}`} log={{ taskId, runId: Number(runId), name }} />
    </Page>
  );
};
