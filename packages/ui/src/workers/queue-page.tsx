import { Anchor, Button, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams, useSearch } from '@tanstack/react-router';
import type { ListWorkersResponse } from '@taskyard/client/browser';
import { useState } from 'react';
import { api } from '../session/api.ts';
import { Confirmed } from '../shell/confirmed.tsx';
import { Listing } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page, Section } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';
import { type WorkerName, WorkerSection } from './worker-section.tsx';

type Worker = ListWorkersResponse['workers'][number];
const dayMs = 24 * 3600 * 1000;

const useQueue = (provisionerId: string, workerType: string) => {
  const taskQueueId = `${provisionerId}/${workerType}`;
  return useQuery({
    queryKey: ['queue', taskQueueId],
    queryFn: async ({ signal }) => {
      const { queue } = await api();
      const [counts, pending, claimed, workers] = await Promise.all([
        queue.taskQueueCounts(taskQueueId, { signal }),
        queue.listPendingTasks(taskQueueId, { limit: 50, signal }),
        queue.listClaimedTasks(taskQueueId, { limit: 200, signal }),
        queue.listWorkers(provisionerId, workerType, { limit: 1000, signal }),
      ]);
      const workersMore = workers.continuationToken === undefined ? '' : ' or more';
      return {
        counts,
        pending: pending.tasks,
        claimed: claimed.tasks,
        workers: workers.workers,
        workersMore,
      };
    },
    refetchInterval: 5000,
  });
};

const Quarantine = ({
  worker,
  place,
  onDone,
}: {
  worker: Worker;
  place: readonly [string, string];
  onDone: () => void;
}) => {
  const { workerGroup, workerId, quarantineUntil } = worker;
  const [reason, setReason] = useState('');
  const put = async (until: Date) => {
    const order = {
      quarantineUntil: until.toJSON(),
      quarantineInfo: reason.trim() || 'ordered on the page of the task queue',
    };
    await (await api()).queue.quarantineWorker(...place, workerGroup, workerId, order);
    setReason('');
    onDone();
  };
  const why = (
    <TextInput label="Why" value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
  );
  return quarantineUntil && new Date(quarantineUntil) > new Date() ? (
    <Confirmed
      label="Give it work again"
      question={`End the quarantine of ${workerGroup}/${workerId}?`}
      run={() => put(new Date(0))}
    >
      {why}
    </Confirmed>
  ) : (
    <Confirmed
      label="Quarantine"
      question={`Give ${workerGroup}/${workerId} no work for a day? What it runs now, it may end.`}
      run={() => put(new Date(Date.now() + dayMs))}
      danger
    >
      {why}
    </Confirmed>
  );
};

/** The title of a list that holds no more than a part. */
const partTitle = (title: string, shown: number, all: number): string =>
  shown < all ? `${title}: ${shown} of ${all}` : title;

/** The worker that the address names, as `group/id`. */
const workerIn = (place: readonly [string, string], worker: string | undefined): WorkerName | undefined => {
  const [workerGroup, workerId] = worker?.split('/') ?? [];
  if (!workerGroup || !workerId) return undefined;
  return { provisionerId: place[0], workerType: place[1], workerGroup, workerId };
};

/** `/queues/<provisionerId>/<workerType>` */
export const QueuePage = () => {
  const { provisionerId = '', workerType = '' } = useParams({ strict: false });
  const link = useLink();
  const taskQueueId = `${provisionerId}/${workerType}`;
  const { worker: shown } = useSearch({ strict: false }) as { worker?: string };
  const worker = workerIn([provisionerId, workerType], shown);
  const known = useQueue(provisionerId, workerType);
  const queries = useQueryClient();
  const reread = () => void queries.invalidateQueries({ queryKey: ['queue', taskQueueId] });
  const taskLink = (taskId: string, name: string) => (
    <Anchor key="task" {...link(paths.task(taskId))}>
      {name || taskId}
    </Anchor>
  );
  return (
    <Page
      kind="Task queue"
      title={taskQueueId}
      actions={
        <Button component="a" size="xs" variant="default" {...link(paths.pool(taskQueueId))}>
          Worker pool
        </Button>
      }
    >
      <Answer query={known} what="this task queue">
        {({ counts, pending, claimed, workers, workersMore }) => (
          <>
            <Text>
              {counts.pendingTasks} pending, {counts.claimedTasks} running, {workers.length}
              {workersMore} {workers.length === 1 ? 'worker' : 'workers'}
            </Text>
            {worker && <WorkerSection worker={worker} />}
            <Section title="Workers">
              <Listing
                what="a worker"
                columns={['Worker', 'Active', 'Latest task', 'Quarantine']}
                nothing="No worker has been here lately."
                rows={workers.map((worker) => ({
                  key: `${worker.workerGroup}/${worker.workerId}`,
                  cells: [
                    <Anchor key="worker" {...link(paths.worker(taskQueueId, worker))}>
                      {worker.workerGroup}/{worker.workerId}
                    </Anchor>,
                    worker.lastDateActive ? <Moment key="active" at={worker.lastDateActive} /> : '',
                    worker.latestTask ? taskLink(worker.latestTask.taskId, '') : 'none',
                    <Quarantine
                      key="quarantine"
                      worker={worker}
                      place={[provisionerId, workerType]}
                      onDone={reread}
                    />,
                  ],
                }))}
              />
            </Section>
            <Section title={partTitle('Running', claimed.length, counts.claimedTasks)}>
              <Listing
                what="a task"
                columns={['Task', 'Worker', 'Since']}
                nothing="Nothing runs."
                rows={claimed.map(({ taskId, task, workerGroup, workerId, claimed: at }) => ({
                  key: `${taskId} ${task.metadata.name}`,
                  cells: [
                    taskLink(taskId, task.metadata.name),
                    `${workerGroup}/${workerId}`,
                    <Moment key="at" at={at} />,
                  ],
                }))}
              />
            </Section>
            <Section title={partTitle('Pending, the oldest first', pending.length, counts.pendingTasks)}>
              <Listing
                what="a task"
                columns={['Task', 'Priority', 'Since']}
                nothing="Nothing waits."
                rows={pending.map(({ taskId, task, inserted }) => ({
                  key: `${taskId} ${task.metadata.name}`,
                  cells: [
                    taskLink(taskId, task.metadata.name),
                    task.priority,
                    <Moment key="at" at={inserted} />,
                  ],
                }))}
              />
            </Section>
          </>
        )}
      </Answer>
    </Page>
  );
};
