import { Alert, Button, Code, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { WorkerFull, WorkerPoolFull } from '@taskyard/client/browser';
import { useState } from 'react';
import { api } from '../session/api.ts';
import { allPages } from '../shell/all-pages.ts';
import { Confirmed } from '../shell/confirmed.tsx';
import { EditButton } from '../shell/edit-button.tsx';
import { Facts, Listing } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page, Section } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';
import { poolCheck } from './pool-check.ts';
import { PoolUse } from './pool-use-view.tsx';

const refetchInterval = 5000;

const Decisions = ({ workerPoolId }: { workerPoolId: string }) => {
  const decisions = useQuery({
    queryKey: ['pool', workerPoolId, 'decisions'],
    queryFn: async ({ signal }) =>
      (await (await api()).workerManager.workerPoolDecisions(workerPoolId, { limit: 50, signal })).decisions,
    refetchInterval,
  });
  return (
    <Answer query={decisions} what="decisions">
      {(all) => (
        <Listing
          what="a decision"
          columns={['When', 'Decision', 'Because', 'Outcome']}
          nothing="Nothing has been decided within the last week."
          rows={all.map(
            ({ decisionId, decided, repeated, times, action, count, reason, outcome, trouble }) => ({
              key: `${decisionId} ${action} ${reason}`,
              cells: [
                <Moment key="at" at={repeated ?? decided} />,
                `${action}${action === 'launch' ? ` ${count}` : ''}${times > 1 ? `, ${times} times` : ''}`,
                reason,
                trouble ? `${outcome}: ${trouble}` : outcome,
              ],
            }),
          )}
        />
      )}
    </Answer>
  );
};

const Draining = ({ worker, onDone }: { worker: WorkerFull; onDone: () => void }) => {
  const { workerPoolId, workerGroup, workerId } = worker;
  const drain = async () => {
    await (await api()).workerManager.drainWorker(workerPoolId, workerGroup, workerId);
    onDone();
  };
  return (
    <Confirmed
      label="Drain"
      question={`Give ${workerGroup}/${workerId} no more tasks? It ends with its last, and others are started in its place.`}
      run={drain}
      danger
    />
  );
};

const Workers = ({ workerPoolId }: { workerPoolId: string }) => {
  const workers = useQuery({
    queryKey: ['pool', workerPoolId, 'workers'],
    queryFn: async ({ signal }) =>
      (await (await api()).workerManager.listWorkersForWorkerPool(workerPoolId, { limit: 500, signal }))
        .workers,
    refetchInterval,
  });
  return (
    <Answer query={workers} what="workers">
      {(all) => (
        <Listing
          what="a worker"
          columns={['Worker', 'State', 'Capacity', 'Created', 'Changed', 'Drain']}
          nothing="The pool has no workers now."
          rows={all.map((worker) => ({
            key: `${worker.workerGroup}/${worker.workerId} ${worker.state}`,
            cells: [
              `${worker.workerGroup}/${worker.workerId}`,
              worker.state,
              worker.capacity,
              <Moment key="created" at={worker.created} />,
              <Moment key="changed" at={worker.lastModified} />,
              worker.state === 'running' && (
                <Draining key="drain" worker={worker} onDone={() => void workers.refetch()} />
              ),
            ],
          }))}
        />
      )}
    </Answer>
  );
};

const Errors = ({ workerPoolId }: { workerPoolId: string }) => {
  const errors = useQuery({
    queryKey: ['pool', workerPoolId, 'errors'],
    queryFn: async ({ signal }) =>
      (await (await api()).workerManager.listWorkerPoolErrors(workerPoolId, { limit: 50, signal }))
        .workerPoolErrors,
    refetchInterval,
  });
  return (
    <Answer query={errors} what="errors">
      {(all) => (
        <Listing
          what="an error"
          columns={['When', 'What', 'Details']}
          nothing="Nothing went wrong."
          rows={all.map(({ errorId, reported, title, kind, description }) => ({
            key: `${errorId} ${title}`,
            cells: [<Moment key="at" at={reported} />, `${title} (${kind})`, description],
          }))}
        />
      )}
    </Answer>
  );
};

/** The pause of a pool, if it is paused. */
const usePause = (workerPoolId: string) =>
  useQuery({
    queryKey: ['pool', workerPoolId, 'pause'],
    queryFn: async ({ signal }) => {
      const { workerManager } = await api();
      const all = await allPages(
        (continuationToken) => workerManager.listWorkerPoolPauses({ continuationToken, signal }),
        ({ pauses }) => pauses,
      );
      return { pause: all.find((each) => each.workerPoolId === workerPoolId) };
    },
    refetchInterval,
  });

const Pausing = ({
  workerPoolId,
  pausing,
}: {
  workerPoolId: string;
  pausing: ReturnType<typeof usePause>;
}) => {
  const [reason, setReason] = useState('');
  const pause = async () => {
    await (await api()).workerManager.pauseWorkerPool(
      workerPoolId,
      reason.trim() ? { reason: reason.trim() } : {},
    );
    await pausing.refetch();
  };
  const resume = async () => {
    await (await api()).workerManager.resumeWorkerPool(workerPoolId);
    await pausing.refetch();
  };
  if (!pausing.data) return null;
  return pausing.data.pause ? (
    <Confirmed label="Resume" question="Start workers for the pool again?" run={resume} />
  ) : (
    <Confirmed
      label="Pause"
      question="Start nothing new for the pool until it is resumed? Its workers go on."
      run={pause}
    >
      <TextInput
        label="Why, for those who ask what the pool waits for"
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </Confirmed>
  );
};

const editable = ({ providerId, description, owner, emailOnError, config }: WorkerPoolFull) => ({
  providerId,
  description,
  owner,
  emailOnError,
  config,
});

/** `/worker-manager/<provisionerId>/<workerType>`: a worker pool. */
export const PoolPage = () => {
  const { provisionerId = '', workerType = '' } = useParams({ strict: false });
  const workerPoolId = `${provisionerId}/${workerType}`;
  const link = useLink();
  const pool = useQuery({
    queryKey: ['pool', workerPoolId],
    queryFn: async ({ signal }) => (await api()).workerManager.workerPool(workerPoolId, { signal }),
    refetchInterval,
  });
  const pausing = usePause(workerPoolId);
  return (
    <Page
      kind="Worker pool"
      title={workerPoolId}
      actions={
        <>
          {pool.data && (
            <EditButton
              words="Edit"
              title="Change the worker pool"
              label="Worker pool"
              value={editable(pool.data)}
              loadCheck={() => poolCheck('update')}
              save={async (edited) => {
                await (await api()).workerManager.updateWorkerPool(workerPoolId, edited);
                await pool.refetch();
              }}
            />
          )}
          <Pausing workerPoolId={workerPoolId} pausing={pausing} />
          <Button component="a" size="xs" variant="default" {...link(paths.queue(workerPoolId))}>
            Task queue
          </Button>
        </>
      }
    >
      <Answer query={pool} what="this worker pool">
        {(known) => (
          <>
            {pausing.data?.pause && (
              <Alert color="yellow" title="Paused">
                Nothing new has been started since <Moment at={pausing.data.pause.since} />
                {pausing.data.pause.reason && `: ${pausing.data.pause.reason}`}
              </Alert>
            )}
            <Facts
              facts={[
                ['Provider', known.providerId],
                ['For', known.description || 'not said'],
                ['Owner', known.owner],
                [
                  'Workers',
                  `${known.requestedCount} requested, ${known.runningCount} running, ${known.stoppingCount} stopping`,
                ],
                ['Capacity', `${known.currentCapacity} tasks at once`],
                ['Changed', <Moment key="changed" at={known.lastModified} />],
              ]}
            />
            <Section title="What was decided, and why">
              <Decisions workerPoolId={workerPoolId} />
            </Section>
            <Section title="Workers, idle share and cost">
              <PoolUse workerPoolId={workerPoolId} />
            </Section>
            <Section title="Workers">
              <Workers workerPoolId={workerPoolId} />
            </Section>
            <Section title="Errors">
              <Errors workerPoolId={workerPoolId} />
            </Section>
            <details>
              <summary>Configuration</summary>
              <Code block>{JSON.stringify(known.config, null, 2)}</Code>
            </details>
          </>
        )}
      </Answer>
    </Page>
  );
};
