import { Anchor, Text } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import type { Task, TaskStatus } from '@taskyard/client/browser';
import { useState } from 'react';
import { useStatus, useTask } from '../queue/queries.ts';
import { hasShells } from '../queue/shells.ts';
import { Answer, Page } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';
import { ShellView } from './shell-view.tsx';

/** Why there are no shells of a run; undefined where there are, or will be. */
const whyNone = (task: Task, status: TaskStatus, runId: number): string | undefined => {
  if (!hasShells(task)) return 'This task has no shells: its payload needs features.interactive.';
  const state = status.runs[runId]?.state ?? status.state;
  return ['unscheduled', 'pending', 'running'].includes(state)
    ? undefined
    : `A task has shells while its commands run, and this run is ${state}.`;
};

const Content = ({ task, status, run }: { task: Task; status: TaskStatus; run: number }) => {
  const none = whyNone(task, status, run);
  const [hasOpened, setOpened] = useState(false);
  return (
    <>
      {none && <Text>{none}</Text>}
      {/* What a shell has shown stays when the run ends; one that has not been opened is not waited for any more. */}
      {(hasOpened || none === undefined) && (
        <ShellView taskId={status.taskId} runId={run} onOpen={() => setOpened(true)} />
      )}
    </>
  );
};

/** `/tasks/<taskId>/runs/<runId>/shell` */
export const ShellPage = () => {
  const { taskId = '', runId = '0' } = useParams({ strict: false });
  const link = useLink();
  const task = useTask(taskId);
  const status = useStatus(taskId);
  const run = Number(runId);
  return (
    <Page kind={`Shell in run ${runId}`} title={task.data?.metadata.name || taskId}>
      <Anchor {...link(paths.task(taskId, run))}>Back to the task</Anchor>
      <Answer query={task} what="this task">
        {(definition) => (
          <Answer query={status} what="this task">
            {(known) => <Content task={definition} status={known} run={run} />}
          </Answer>
        )}
      </Answer>
    </Page>
  );
};
