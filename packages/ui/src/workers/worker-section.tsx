import { useQuery } from '@tanstack/react-query';
import { TaskLinks } from '../queue/components/task-links.tsx';
import { useNamedTasks } from '../queue/queries.ts';
import { api } from '../session/api.ts';
import { Listing } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Section } from '../shell/page.tsx';

/** One worker of a task queue. */
export interface WorkerName {
  readonly provisionerId: string;
  readonly workerType: string;
  readonly workerGroup: string;
  readonly workerId: string;
}

const RecentTasks = ({ worker, taskIds }: { worker: WorkerName; taskIds: readonly string[] }) => {
  const tasks = useNamedTasks([...new Set(taskIds)], ['worker', worker.workerGroup, worker.workerId]);
  return (
    <Answer query={tasks} what="its tasks">
      {(named) => <TaskLinks tasks={named} nothing="It has claimed no task yet." />}
    </Answer>
  );
};

/** What one worker did lately, and who has put it into quarantine and out of it. */
export const WorkerSection = ({ worker }: { worker: WorkerName }) => {
  const { provisionerId, workerType, workerGroup, workerId } = worker;
  const known = useQuery({
    queryKey: ['queue', `${provisionerId}/${workerType}`, 'worker', workerGroup, workerId],
    queryFn: async ({ signal }) =>
      (await api()).queue.getWorker(provisionerId, workerType, workerGroup, workerId, { signal }),
    refetchInterval: 5000,
  });
  return (
    <Section title={`Worker ${workerGroup}/${workerId}`}>
      <Answer query={known} what="this worker">
        {({ recentTasks, quarantineDetails = [] }) => (
          <>
            <RecentTasks worker={worker} taskIds={recentTasks.map(({ taskId }) => taskId)} />
            <Listing
              what="a change"
              columns={['Quarantine', 'Until', 'By', 'Why']}
              nothing="It has never been in quarantine."
              rows={[...quarantineDetails].reverse().map((detail) => ({
                key: `${detail.updatedAt} ${detail.clientId}`,
                cells: [
                  <Moment key="at" at={detail.updatedAt} />,
                  new Date(detail.quarantineUntil) > new Date(detail.updatedAt) ? (
                    <Moment key="until" at={detail.quarantineUntil} />
                  ) : (
                    'ended'
                  ),
                  detail.clientId,
                  detail.quarantineInfo,
                ],
              }))}
            />
          </>
        )}
      </Answer>
    </Section>
  );
};
