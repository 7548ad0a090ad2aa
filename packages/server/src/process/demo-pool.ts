import { join } from 'node:path';
import { type Config, plainEnvironment } from '../config/index.ts';
import { type DemoCloud, startDemoCloud, workerProcesses } from '../demo-cloud/index.ts';
import type { PoolVerbs } from '../worker-manager/index.ts';

/** The task queue of the workers in the demo cloud. */
export const demoPoolId = 'demo/cloud';
const demoProviderId = 'demo-cloud';
const region = 'eu-north-1';

export interface DemoSurroundings {
  /** How a worker is started as a process of its own: program and arguments. */
  readonly workerCommand: readonly string[];
  /** A folder that tasks may read. */
  readonly project?: string | undefined;
}

/** A cloud on this machine whose workers are processes; their tasks may not see our data. */
export const startDemo = (
  { data, worker }: Config,
  { workerCommand, project = '' }: DemoSurroundings,
): Promise<DemoCloud> => {
  const startMachine = workerProcesses({
    command: [...workerCommand, '--provider', 'aws', '--engine', worker.engine],
    environment: {
      ...plainEnvironment(),
      TASKYARD_WORKER_HIDDEN_PATHS: data,
      TASKYARD_WORKER_READ_ONLY_PATHS: project,
      TASKYARD_WORKER_ISOLATE_NETWORK: String(worker.isolateNetwork),
    },
    folder: join(data, 'demo-cloud'),
  });
  return startDemoCloud({
    startMachine,
    // One zone is always full, to show how that is remembered and tried again with growing delays.
    conditions: () => ({ capacityOf: ({ zone }) => (zone.endsWith('c') ? 0 : 8) }),
  });
};

/** The configuration with a provider of workers in that cloud. */
export const withDemoProvider = (config: Config, { endpoint, keys, certificate }: DemoCloud): Config => ({
  ...config,
  providers: {
    ...config.providers,
    [demoProviderId]: {
      providerType: 'aws',
      endpoint,
      ...keys,
      certificates: [certificate],
      sweepSeconds: 3,
    },
  },
});

/** Creates the pool of workers in the demo cloud. */
export const ensureDemoPool = (workerManager: PoolVerbs): Promise<void> =>
  workerManager.ensurePool({
    workerPoolId: demoPoolId,
    definition: {
      providerId: demoProviderId,
      description: 'Spot instances of a cloud that is not there: it shows how pools grow and shrink.',
      owner: 'operator@localhost.localdomain',
      emailOnError: false,
      config: {
        minCapacity: 0,
        maxCapacity: 8,
        lifecycle: { registrationTimeout: 120 },
        launchConfigs: [
          {
            region,
            fleet: {
              imageId: 'ami-0demo',
              instanceTypes: ['m5.large', 'm6i.large', 'c5.xlarge'],
              availabilityZones: [`${region}a`, `${region}b`, `${region}c`],
            },
            workerConfig: { taskyard: { capacity: 2, idleTimeoutSeconds: 20 } },
            workerManager: { launchConfigId: 'spot', capacityPerInstance: 2 },
          },
        ],
      },
    },
  });
