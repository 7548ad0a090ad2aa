import { Anchor, Code, Stack, Text } from '@mantine/core';
import type { Task, TaskStatus } from '@taskyard/client/browser';
import type { ReactNode } from 'react';
import { Facts } from '../../shell/listing.tsx';
import { Moment } from '../../shell/moment.tsx';
import { paths } from '../../shell/paths.ts';
import { useLink } from '../../shell/use-link.ts';

const isWebAddress = (text: string): boolean => /^https?:\/\//.test(text);

/** What a task was asked to do. */
export const Definition = ({ task, status }: { task: Task; status: TaskStatus }) => {
  const link = useLink();
  const facts: readonly (readonly [string, ReactNode])[] = [
    [
      'Task',
      <span className="mono" key="task">
        {status.taskId}
      </span>,
    ],
    [
      'Group',
      <Anchor key="group" {...link(paths.group(task.taskGroupId))}>
        {task.taskGroupId}
      </Anchor>,
    ],
    [
      'Task queue',
      <Anchor key="queue" {...link(paths.queue(task.taskQueueId))}>
        {task.taskQueueId}
      </Anchor>,
    ],
    ['Owner', task.metadata.owner],
    [
      'Source',
      isWebAddress(task.metadata.source) ? (
        <a key="source" href={task.metadata.source} rel="noreferrer">
          {task.metadata.source}
        </a>
      ) : (
        task.metadata.source
      ),
    ],
    ['Priority', status.priority ?? task.priority],
    ['Created', <Moment key="created" at={task.created} />],
    ['Deadline', <Moment key="deadline" at={task.deadline} />],
    ['Retries left', `${status.retriesLeft} of ${task.retries}`],
    ...(Object.keys(task.tags).length > 0
      ? [
          [
            'Tags',
            Object.entries(task.tags)
              .map(([name, value]) => `${name}: ${value}`)
              .join(', '),
          ] as const,
        ]
      : []),
  ];
  return (
    <Stack gap="xs">
      {task.metadata.description && (
        <Text style={{ whiteSpace: 'pre-wrap' }}>{task.metadata.description}</Text>
      )}
      <Facts facts={facts} />
      <details>
        <summary>Payload and everything else</summary>
        <Code block>{JSON.stringify(task, null, 2)}</Code>
      </details>
    </Stack>
  );
};
