import { type Message, routingKey } from '../events/index.ts';
import { poolParts } from './lifecycle.ts';
import type { ErrorRow, WorkerRow } from './store/index.ts';

const prefix = 'exchange/taskcluster-worker-manager/v1/';

interface Words {
  readonly workerPoolId: string;
  readonly providerId: string;
  readonly workerGroup?: string;
  readonly workerId?: string;
  readonly launchConfigId?: string | null;
}

const message = (name: string, words: Words, body: object): Message => {
  const { provisionerId, workerType } = poolParts(words.workerPoolId);
  const { providerId, workerGroup, workerId, launchConfigId } = words;
  return {
    exchange: prefix + name,
    routingKey: routingKey([
      'primary',
      providerId,
      provisionerId,
      workerType,
      workerGroup,
      workerId,
      launchConfigId ?? undefined,
      undefined,
    ]),
    routes: [],
    body,
  };
};

interface PoolRef {
  readonly workerPoolId: string;
  readonly providerId: string;
}

export const workerPoolCreated = ({ workerPoolId, providerId }: PoolRef): Message =>
  message('worker-pool-created', { workerPoolId, providerId }, { workerPoolId, providerId });

export const workerPoolUpdated = (
  { workerPoolId, providerId }: PoolRef,
  previousProviderId: string,
): Message =>
  message(
    'worker-pool-updated',
    { workerPoolId, providerId },
    { workerPoolId, providerId, previousProviderId },
  );

const aboutLaunchConfig =
  (name: string) =>
  ({ workerPoolId, providerId }: PoolRef, launchConfigId: string): Message => {
    const words = { workerPoolId, providerId, launchConfigId };
    return message(name, words, words);
  };
export const launchConfigCreated = aboutLaunchConfig('launch-config-created');
export const launchConfigUpdated = aboutLaunchConfig('launch-config-updated');
export const launchConfigArchived = aboutLaunchConfig('launch-config-archived');

const workerBody = (worker: WorkerRow, now: Date) => ({
  workerPoolId: worker.workerPoolId,
  providerId: worker.providerId,
  workerGroup: worker.workerGroup,
  workerId: worker.workerId,
  capacity: worker.capacity,
  timestamp: now.toJSON(),
  ...(worker.launchConfigId ? { launchConfigId: worker.launchConfigId } : {}),
});

const aboutWorker =
  (name: string) =>
  (worker: WorkerRow, now: Date): Message =>
    message(name, worker, workerBody(worker, now));
export const workerRequested = aboutWorker('worker-requested');
export const workerRunning = aboutWorker('worker-running');
export const workerStopped = aboutWorker('worker-stopped');
export const workerRemoved = (worker: WorkerRow, reason: string, now: Date): Message =>
  message('worker-removed', worker, { ...workerBody(worker, now), reason });

/** An error of a pool; its `extra` names the worker, if there is one. */
export const workerPoolError = (error: ErrorRow, providerId: string): Message => {
  const { workerPoolId, errorId, kind, title, reported, launchConfigId } = error;
  const { workerGroup, workerId } = JSON.parse(error.extra) as { workerGroup?: unknown; workerId?: unknown };
  const about =
    typeof workerGroup === 'string' && typeof workerId === 'string' ? { workerGroup, workerId } : {};
  const words = { workerPoolId, providerId, ...about, ...(launchConfigId ? { launchConfigId } : {}) };
  return message('worker-pool-error', words, {
    ...words,
    errorId,
    kind,
    title,
    timestamp: reported.toJSON(),
  });
};
