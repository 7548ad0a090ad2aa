import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api } from '../session/api.ts';
import { Listing } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Section } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';

/** One worker of a task queue. */
export interface WorkerName {
  readonly provisionerId: string;
  readonly workerType: string;
  readonly workerGroup: string;
  readonly workerId: string;
}

/** What one worker did lately, and who has put it into quarantine and out of it. */
export const WorkerSection = ({ worker }: { worker: WorkerName }) => {
  const { provisionerId, workerType, workerGroup, workerId } = worker;
  const link = useLink();
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
            <Listing
              what="a task"
              columns={['Its tasks, the latest first', 'Run']}
              nothing="It has claimed nothing yet."
              rows={recentTasks.map(({ taskId, runId }) => ({
                key: `${taskId}/${runId}`,
                cells: [
                  <Anchor key="task" className="mono" {...link(paths.task(taskId, runId))}>
                    {taskId}
                  </Anchor>,
                  runId,
                ],
              }))}
            />
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
