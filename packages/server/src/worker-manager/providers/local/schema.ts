import { Type } from 'typebox';
import { exactly, publish } from '../../../http/index.ts';
import { ownScaling, ownWorkerManagerBlock, WorkerConfig } from '../../schema/index.ts';

/** The config of a pool of workers on this machine. */
export const localConfig = publish(
  'worker-manager',
  'config-local',
  exactly(
    {
      ...ownScaling,
      launchConfigs: Type.Array(
        exactly({ workerManager: ownWorkerManagerBlock, workerConfig: Type.Optional(WorkerConfig) }),
        { uniqueItems: true, description: 'Kinds of workers: how many tasks each takes, and its settings.' },
      ),
    },
    { title: 'Config of a pool on the machine of the platform' },
  ),
);
