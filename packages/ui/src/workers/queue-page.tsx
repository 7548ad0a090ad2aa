import { Anchor, Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ListWorkersResponse } from '@taskyard/client/browser';
import { api } from '../session/api.ts';
import { Confirmed } from '../shell/confirmed.tsx';
import { Listing } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page, Section } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';

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
      return { counts, pending: pending.tasks, claimed: claimed.tasks, workers: workers.workers };
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
  const put = async (until: Date) => {
    const order = {
      quarantineUntil: until.toJSON(),
      quarantineInfo: 'ordered on the page of the task queue',
    };
    await (await api()).queue.quarantineWorker(...place, workerGroup, workerId, order);
    onDone();
  };
  return quarantineUntil ? (
    <Confirmed
      label="Give it work again"
      question={`End the quarantine of ${workerGroup}/${workerId}?`}
      run={() => put(new Date(0))}
    />
  ) : (
    <Confirmed
      label="Quarantine"
      question={`Give ${workerGroup}/${workerId} no work for a day? What it runs now, it may end.`}
      run={() => put(new Date(Date.now() + dayMs))}
      danger
    />
  );
};

/** `/queues/<provisionerId>/<workerType>` */
export const QueuePage = () => {
  const { provisionerId = '', workerType = '' } = useParams({ strict: false });
  const link = useLink();
  const taskQueueId = `${provisionerId}/${workerType}`;
  const known = useQueue(provisionerId, workerType);
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
        {({ counts, pending, claimed, workers }) => (
          <>
            <Text>
              {counts.pendingTasks} pending, {counts.claimedTasks} running, {workers.length} workers
            </Text>
            <Section title="Workers">
              <Listing
                what="a worker"
                columns={['Worker', 'Active', 'Latest task', 'Quarantine']}
                nothing="No worker has been here lately."
                rows={workers.map((worker) => ({
                  key: `${worker.workerGroup}/${worker.workerId}`,
                  cells: [
                    `${worker.workerGroup}/${worker.workerId}`,
                    worker.lastDateActive ? <Moment key="active" at={worker.lastDateActive} /> : '',
                    worker.latestTask ? taskLink(worker.latestTask.taskId, '') : 'none',
                    <Quarantine
                      key="quarantine"
                      worker={worker}
                      place={[provisionerId, workerType]}
                      onDone={() => void known.refetch()}
                    />,
                  ],
                }))}
              />
            </Section>
            <Section title="Running">
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
            <Section title="Pending, the oldest first">
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
