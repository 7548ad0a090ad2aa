import { Button, CopyButton, Menu, Modal } from '@mantine/core';
import { useRouter } from '@tanstack/react-router';
import { type CreateTaskRequest, slugid, type Task, type TaskStatus } from '@taskyard/client/browser';
import { useState } from 'react';
import { api } from '../../session/api.ts';
import { rootUrl } from '../../session/session.ts';
import { Confirmed } from '../../shell/confirmed.tsx';
import { JsonEditor } from '../../shell/json-editor.tsx';
import { paths } from '../../shell/paths.ts';
import { PriorityChange } from '../../shell/priority-change.tsx';
import { publishedCheck } from '../../shell/schema-check.ts';
import { useShortcuts } from '../../shell/shortcuts.ts';
import { useLink } from '../../shell/use-link.ts';
import { againRequest, commandsFor } from '../again.ts';
import { hasShells } from '../shells.ts';

const CreateAgain = ({ task }: { task: Task }) => {
  const router = useRouter();
  const [wanted, setWanted] = useState<CreateTaskRequest>();
  const show = () => setWanted(againRequest(task, new Date()));
  const close = () => setWanted(undefined);
  const create = async (edited: CreateTaskRequest) => {
    const taskId = slugid();
    await (await api()).queue.createTask(taskId, edited);
    close();
    await router.navigate({ href: paths.task(taskId) });
  };
  useShortcuts([{ keys: 'c', does: 'edit the task, and create it again', run: show }]);
  return (
    <>
      <Button size="xs" variant="default" onClick={show}>
        Edit and create
      </Button>
      <Modal opened={wanted !== undefined} onClose={close} title="Create a task like this one" size="xl">
        {wanted && (
          <JsonEditor
            label="Definition"
            value={wanted}
            save={create}
            words="Create"
            loadCheck={() => publishedCheck('queue/v1/create-task-request')}
          />
        )}
      </Modal>
    </>
  );
};

const CopyMenu = ({ taskId }: { taskId: string }) => (
  <Menu closeOnItemClick={false}>
    <Menu.Target>
      <Button size="xs" variant="default">
        Copy as command
      </Button>
    </Menu.Target>
    <Menu.Dropdown>
      {commandsFor(taskId, rootUrl).map(({ label, command }) => (
        <CopyButton key={label} value={command}>
          {({ copied, copy }) => (
            <Menu.Item onClick={copy} title={command}>
              {copied ? `${label}: copied` : label}
            </Menu.Item>
          )}
        </CopyButton>
      ))}
    </Menu.Dropdown>
  </Menu>
);

/** What can be done with a task. */
export const TaskActions = ({ status, task }: { status: TaskStatus; task: Task | undefined }) => {
  const { taskId, state } = status;
  const link = useLink();
  const isOver = ['completed', 'failed', 'exception'].includes(state);
  return (
    <>
      <Confirmed
        label="Rerun"
        question="Run the task once more? Tasks that wait for it go on when it completes."
        run={async () => (await api()).queue.rerunTask(taskId)}
        disabled={!isOver}
      />
      {state === 'unscheduled' && (
        <Confirmed
          label="Schedule"
          question="Schedule the task, whatever it depends on?"
          run={async () => (await api()).queue.scheduleTask(taskId)}
        />
      )}
      <Confirmed
        label="Cancel"
        question="Cancel the task?"
        run={async () => (await api()).queue.cancelTask(taskId)}
        disabled={isOver}
        danger
      />
      <PriorityChange
        question="Give the task another priority?"
        change={async (newPriority) => (await api()).queue.changeTaskPriority(taskId, { newPriority })}
        disabled={isOver}
      />
      {task && state === 'running' && hasShells(task) && (
        <Button
          component="a"
          size="xs"
          variant="default"
          {...link(paths.shell(taskId, status.runs.length - 1))}
        >
          Shell
        </Button>
      )}
      {task && <CreateAgain task={task} />}
      <CopyMenu taskId={taskId} />
    </>
  );
};
