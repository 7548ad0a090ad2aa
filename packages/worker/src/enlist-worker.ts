import { join } from 'node:path';
import { type Clock, systemClock } from './clock.ts';
import { type ConfigSources, optionsOf, providerIn, readSettings } from './config.ts';
import type { WorkerConfig } from './config-schema.ts';
import { settingsOfPool } from './pool-settings.ts';
import { type Identity, identityOfInstance, instanceMetadata, joinPool } from './registration/index.ts';
import { messageOf, type WorkerLog } from './worker-log.ts';
import type { WorkerOptions } from './worker-options.ts';

export interface Enlisting {
  readonly log: WorkerLog;
  readonly clock?: Clock;
  /** Breaks off a registration that is on its way. */
  readonly signal?: AbortSignal;
}

// An instance of EC2 is told these by its cloud and its provider.
const ofInstance = ['rootUrl', 'taskQueueId', 'workerGroup', 'workerId'] as const;

/**
 * The options of a standalone worker. One that is to register does so here, and then has the credentials and the
 * settings of its pool. Throws one WorkerConfigError with everything that is wrong or missing, and when `signal` aborts.
 */
export const enlistWorker = async (
  sources: ConfigSources,
  { log, clock = systemClock, signal }: Enlisting,
): Promise<WorkerOptions> => {
  const isInstance = providerIn(sources) === 'aws';
  const settings = readSettings(sources, isInstance ? ofInstance : []);
  const metadata = instanceMetadata(settings.metadataEndpoint, clock);
  const notices = isInstance || settings.isOnEc2 ? metadata : undefined;
  if (settings.provider === 'none') return { ...optionsOf(settings), notices, log };
  const identity = isInstance ? await identityOfInstance(metadata) : identityBySecret(settings);
  const storePath = join(settings.workDir, 'registration.json');
  const { membership, workerConfig } = await joinPool(identity, { clock, log, storePath, signal });
  try {
    const learned = { identity: settingsOf(identity), pool: settingsOfPool(workerConfig) };
    return { ...optionsOf(readSettings({ ...sources, ...learned })), membership, notices, log };
  } catch (error) {
    await membership.reportError('The worker could not be set up', messageOf(error)).catch(() => undefined);
    await membership.close();
    throw error;
  }
};

const identityBySecret = (settings: WorkerConfig): Identity => ({
  rootUrl: settings.rootUrl,
  workerPoolId: settings.taskQueueId,
  providerId: settings.providerId ?? '',
  workerGroup: settings.workerGroup,
  workerId: settings.workerId,
  proof: { staticSecret: settings.staticSecret ?? '' },
  isProofUsedUp: false,
  whereabouts: {},
});

const settingsOf = ({ rootUrl, workerPoolId, workerGroup, workerId, whereabouts }: Identity) => ({
  rootUrl: rootUrl.replace(/\/+$/, ''),
  taskQueueId: workerPoolId,
  workerGroup,
  workerId,
  ...whereabouts,
});
