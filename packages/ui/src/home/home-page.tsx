import { Alert, Anchor, Button, Card, Code, Grid, Group, Stack, Table, Text } from '@mantine/core';
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { type Overview, queueExchanges } from '@taskyard/client/browser';
import { useRef } from 'react';
import { api } from '../session/api.ts';
import { useEvents } from '../session/use-events.ts';
import { useSession } from '../session/use-session.ts';
import { messageOf } from '../shell/messages.ts';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page, Section } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { StateBar, StateMark } from '../shell/state-mark.tsx';
import { useLink } from '../shell/use-link.ts';
import { builtInTaskQueueId, createFirstTask } from './first-task.ts';

const overviewKey = ['overview'];
const bindings = [
  queueExchanges.taskPending,
  queueExchanges.taskRunning,
  queueExchanges.taskCompleted,
  queueExchanges.taskFailed,
  queueExchanges.taskException,
].map(({ exchange }) => ({ exchange, routingKeyPattern: '#' }));

/** Reads the overview again after messages, but not more often than every two seconds. */
const useLiveOverview = () => {
  const queries = useQueryClient();
  const timer = useRef(0);
  useEvents({
    bindings,
    onMessages: () => {
      timer.current ||= window.setTimeout(() => {
        timer.current = 0;
        void queries.invalidateQueries({ queryKey: overviewKey });
      }, 2000);
    },
  });
  return useQuery({
    queryKey: overviewKey,
    queryFn: async ({ signal }) => (await api()).views.overview({ signal }),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
};

const TaskRows = ({ tasks, nothing }: { tasks: Overview['failed']; nothing: string }) => {
  const link = useLink();
  if (tasks.length === 0) return <Text c="dimmed">{nothing}</Text>;
  return (
    <Table.ScrollContainer minWidth={300}>
      <Table>
        <Table.Tbody>
          {tasks.map(({ taskId, name, state, reasonResolved, at, taskGroupId }) => (
            <Table.Tr key={taskId}>
              <Table.Td>
                <Anchor {...link(paths.task(taskId))}>{name || taskId}</Anchor>{' '}
                <Anchor size="xs" {...link(paths.group(taskGroupId))}>
                  group
                </Anchor>
              </Table.Td>
              <Table.Td>
                <StateMark state={state} reason={reasonResolved} />
              </Table.Td>
              <Table.Td>
                <Moment at={at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
};

const Groups = ({ groups }: { groups: Overview['groups'] }) => {
  const link = useLink();
  return (
    <Stack gap="xs">
      {groups.map(({ taskGroupId, name, changed, counts }) => (
        <Card key={taskGroupId} withBorder padding="xs">
          <Group justify="space-between" wrap="nowrap">
            <Anchor {...link(paths.group(taskGroupId))} style={{ overflowWrap: 'anywhere' }}>
              {name || taskGroupId}
            </Anchor>
            <Text size="xs" c="dimmed">
              <Moment at={changed} />
            </Text>
          </Group>
          <StateBar counts={counts} />
        </Card>
      ))}
    </Stack>
  );
};

const Queues = ({ queues }: { queues: Overview['queues'] }) => {
  const link = useLink();
  if (queues.length === 0) return <Text c="dimmed">Nothing waits, and nothing runs.</Text>;
  return (
    <Table.ScrollContainer minWidth={460}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Task queue</Table.Th>
            <Table.Th>Pending</Table.Th>
            <Table.Th>Running</Table.Th>
            <Table.Th>Workers</Table.Th>
            <Table.Th>Oldest</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {queues.map(({ taskQueueId, pending, claimed, workers, oldest }) => (
            <Table.Tr key={taskQueueId}>
              <Table.Td>
                <Anchor {...link(paths.queue(taskQueueId))}>{taskQueueId}</Anchor>
              </Table.Td>
              <Table.Td>{pending}</Table.Td>
              <Table.Td>{claimed}</Table.Td>
              <Table.Td>{workers}</Table.Td>
              <Table.Td>{oldest ? <Moment at={oldest} /> : 'none'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
};

const FirstTask = ({ isEmpty }: { isEmpty: boolean }) => {
  const router = useRouter();
  const creation = useMutation({
    mutationFn: async () => createFirstTask((await api()).queue),
    onSuccess: (taskId) => router.navigate({ href: paths.task(taskId) }),
  });
  if (!isEmpty) return null;
  return (
    <Card withBorder>
      <Stack align="flex-start">
        <Text fw={600}>Nothing has run here yet.</Text>
        <Text>
          Create a task for the worker that comes with <Code>taskyard serve</Code>, at{' '}
          <Code>{builtInTaskQueueId}</Code>, and watch it run; or write a graph and submit it with{' '}
          <Code>tyard run graph.yml</Code>.
        </Text>
        <Button onClick={() => creation.mutate()} loading={creation.isPending}>
          Run your first task
        </Button>
        {creation.error && (
          <Alert color="red" role="alert">
            {messageOf(creation.error)}
          </Alert>
        )}
      </Stack>
    </Card>
  );
};

/** `/`: what goes on. */
export const HomePage = () => {
  const overview = useLiveOverview();
  const session = useSession();
  const isKnown = session.kind === 'somebody';
  return (
    <Page title="What goes on">
      <Answer query={overview} what="what goes on">
        {({ queues, groups, running, failed }) => (
          <>
            <FirstTask isEmpty={isKnown && groups.length === 0 && queues.length === 0} />
            <Grid gap="lg">
              <Grid.Col span={{ base: 12, md: 6 }}>
                <Section title="Groups, the latest first">
                  <Groups groups={groups} />
                </Section>
              </Grid.Col>
              <Grid.Col span={{ base: 12, md: 6 }}>
                <Stack gap="lg">
                  <Section title="Running now">
                    <TaskRows tasks={running} nothing="Nothing runs." />
                  </Section>
                  <Section title="Failed lately">
                    <TaskRows tasks={failed} nothing="Nothing failed lately." />
                  </Section>
                </Stack>
              </Grid.Col>
              <Grid.Col span={12}>
                <Section title="Task queues">
                  <Queues queues={queues} />
                </Section>
              </Grid.Col>
            </Grid>
          </>
        )}
      </Answer>
    </Page>
  );
};
