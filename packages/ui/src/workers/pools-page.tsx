import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { api } from '../session/api.ts';
import { allPages } from '../shell/all-pages.ts';
import { EditButton } from '../shell/edit-button.tsx';
import { Listing } from '../shell/listing.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';
import { poolCheck } from './pool-check.ts';

const begin = {
  providerId: 'static',
  description: '',
  owner: 'somebody@example.com',
  emailOnError: false,
  config: {} as Record<string, unknown>,
};

const NewPool = () => {
  const router = useRouter();
  return (
    <EditButton
      words="New pool"
      title="Create a worker pool"
      label="Worker pool"
      nameLabel="Id, such as lab/boards"
      value={begin}
      loadCheck={() => poolCheck('create')}
      save={async (pool, id) => {
        await (await api()).workerManager.createWorkerPool(id, pool);
        await router.navigate({ href: paths.pool(id) });
      }}
    />
  );
};

/** `/worker-manager`: worker pools. */
export const PoolsPage = () => {
  const link = useLink();
  const pools = useQuery({
    queryKey: ['pools'],
    queryFn: async ({ signal }) => {
      const { workerManager } = await api();
      return allPages(
        (continuationToken) => workerManager.listWorkerPools({ continuationToken, signal }),
        ({ workerPools }) => workerPools,
      );
    },
    refetchInterval: 5000,
  });
  return (
    <Page title="Worker pools" actions={<NewPool />}>
      <Answer query={pools} what="worker pools">
        {(all) => (
          <Listing
            what="a worker pool"
            columns={['Pool', 'Provider', 'Requested', 'Running', 'Stopping', 'Capacity']}
            nothing="There are no worker pools. Workers may come by themselves: see the task queues."
            rows={all.map(({ workerPoolId = '', ...pool }) => ({
              key: workerPoolId,
              cells: [
                <Anchor key="id" {...link(paths.pool(workerPoolId))}>
                  {workerPoolId}
                </Anchor>,
                pool.providerId,
                pool.requestedCount,
                pool.runningCount,
                pool.stoppingCount,
                pool.currentCapacity,
              ],
            }))}
          />
        )}
      </Answer>
    </Page>
  );
};
