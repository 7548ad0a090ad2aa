import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api } from '../session/api.ts';
import { allPages } from '../shell/all-pages.ts';
import { Listing } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';

/** `/queues`: task queues that workers were seen at, or that tasks wait in. */
export const QueuesPage = () => {
  const link = useLink();
  const queues = useQuery({
    queryKey: ['queues'],
    queryFn: async ({ signal }) => {
      const { queue, views } = await api();
      const [known, { queues: busy }] = await Promise.all([
        allPages(
          (continuationToken) => queue.listTaskQueues({ continuationToken, signal }),
          ({ taskQueues }) => taskQueues,
        ),
        views.overview({ signal }),
      ]);
      const busyBy = new Map(busy.map((each) => [each.taskQueueId, each]));
      const ids = [...new Set([...busyBy.keys(), ...known.map(({ taskQueueId }) => taskQueueId)])];
      const seenBy = new Map(known.map(({ taskQueueId, lastDateActive }) => [taskQueueId, lastDateActive]));
      return ids.map((taskQueueId) => ({
        taskQueueId,
        ...busyBy.get(taskQueueId),
        seen: seenBy.get(taskQueueId),
      }));
    },
    refetchInterval: 5000,
  });
  return (
    <Page title="Task queues">
      <Answer query={queues} what="task queues">
        {(all) => (
          <Listing
            what="a task queue"
            columns={['Task queue', 'Pending', 'Running', 'Oldest', 'Active']}
            nothing="No task has been created, and no worker has asked for work."
            rows={all.map(({ taskQueueId, pending = 0, claimed = 0, oldest, seen }) => ({
              key: taskQueueId,
              cells: [
                <Anchor key="id" {...link(paths.queue(taskQueueId))}>
                  {taskQueueId}
                </Anchor>,
                pending,
                claimed,
                oldest ? <Moment key="oldest" at={oldest} /> : 'none',
                seen ? <Moment key="seen" at={seen} /> : 'never',
              ],
            }))}
          />
        )}
      </Answer>
    </Page>
  );
};
