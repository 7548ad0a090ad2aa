import { Anchor, Grid, Group, Stack, Text } from '@mantine/core';
import { useParams, useSearch } from '@tanstack/react-router';
import type { Task, TaskStatus } from '@taskyard/client/browser';
import { LogView } from '../../log/log-view.tsx';
import { Answer, Page, Section } from '../../shell/page.tsx';
import { paths } from '../../shell/paths.ts';
import { StateMark } from '../../shell/state-mark.tsx';
import { useLink } from '../../shell/use-link.ts';
import { Artifacts } from '../components/artifacts.tsx';
import { Definition } from '../components/definition.tsx';
import { Runs } from '../components/runs.tsx';
import { TaskActions } from '../components/task-actions.tsx';
import { TaskLinks } from '../components/task-links.tsx';
import { UsageSection } from '../components/usage.tsx';
import { Why } from '../components/why.tsx';
import { neighboursMax, useDependents, useNamedTasks, useStatus, useTask } from '../queries.ts';

const logName = 'public/logs/live.log';

const Neighbours = ({ taskId, task }: { taskId: string; task: Task }) => {
  const dependencies = useNamedTasks(task.dependencies, ['task', taskId, 'dependencies']);
  const dependents = useDependents(taskId);
  return (
    <>
      <Section title={`Depends on ${task.dependencies.length || 'nothing'}`}>
        <Answer query={dependencies} what="what it depends on">
          {(tasks) => (
            <>
              <TaskLinks tasks={tasks} nothing="It needs no other task." />
              {task.dependencies.length > neighboursMax && (
                <Text size="sm">and {task.dependencies.length - neighboursMax} more</Text>
              )}
            </>
          )}
        </Answer>
      </Section>
      <Section title="What depends on it">
        <Answer query={dependents} what="what depends on it">
          {({ tasks, isWhole }) => (
            <>
              <TaskLinks tasks={tasks} nothing="Nothing." />
              {!isWhole && <Text size="sm">and more</Text>}
            </>
          )}
        </Answer>
      </Section>
    </>
  );
};

const Log = ({ status, runId }: { status: TaskStatus; runId: number | undefined }) => {
  const link = useLink();
  const run = runId === undefined ? undefined : status.runs[runId];
  if (!run?.started || runId === undefined) return null;
  return (
    <Section
      title={`Log of run ${runId}`}
      aside={<Anchor {...link(paths.log(status.taskId, runId, logName))}>The log by itself</Anchor>}
    >
      <LogView key={`${status.taskId}/${runId}`} log={{ taskId: status.taskId, runId, name: logName }} />
    </Section>
  );
};

const Content = ({
  status,
  task,
  wanted,
}: {
  status: TaskStatus;
  task: Task | undefined;
  wanted: number | undefined;
}) => {
  const runId = wanted ?? (status.runs.length > 0 ? status.runs.length - 1 : undefined);
  const isWaiting = status.state === 'pending' || status.state === 'unscheduled';
  return (
    <>
      <Group>
        <StateMark state={status.state} reason={status.runs.at(-1)?.reasonResolved} />
      </Group>
      {isWaiting && <Why taskId={status.taskId} />}
      <Log status={status} runId={runId} />
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack>
            <Section title="Runs, the latest first">
              <Runs status={status} runId={runId} />
            </Section>
            <Section title="Artifacts">
              <Artifacts taskId={status.taskId} runId={runId} />
            </Section>
            <UsageSection taskId={status.taskId} runId={runId} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack>
            {task && (
              <>
                <Section title="Definition">
                  <Definition task={task} status={status} />
                </Section>
                <Neighbours taskId={status.taskId} task={task} />
              </>
            )}
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  );
};

/** `/tasks/<taskId>` */
export const TaskPage = () => {
  const { taskId = '' } = useParams({ strict: false });
  const { run } = useSearch({ strict: false }) as { run?: number };
  const task = useTask(taskId);
  const status = useStatus(taskId);
  return (
    <Page
      kind="Task"
      title={task.data?.metadata.name || taskId}
      actions={status.data && <TaskActions status={status.data} task={task.data} />}
    >
      <Answer query={status} what="this task">
        {(known) => <Content key={taskId} status={known} task={task.data} wanted={run} />}
      </Answer>
    </Page>
  );
};
