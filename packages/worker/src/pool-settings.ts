import type { WorkerConfig } from './config-schema.ts';

interface OriginalSettings {
  readonly capacity?: number;
  readonly idleTimeoutSecs?: number;
  readonly maxTaskRunTime?: number;
  readonly requiredDiskSpaceMegabytes?: number;
  readonly ed25519SigningKeyLocation?: string;
}

/**
 * The settings that a pool gives its workers, in its `workerConfig`: below `taskyard` under our own names, or as
 * pools for the original's generic-worker have them, of which those are read that mean something here.
 */
export const settingsOfPool = (workerConfig: Record<string, unknown>): Partial<WorkerConfig> => {
  const { taskyard = {}, genericWorker } = workerConfig as {
    taskyard?: Partial<WorkerConfig>;
    genericWorker?: { config?: OriginalSettings };
  };
  const theirs = genericWorker?.config ?? {};
  const translated = {
    capacity: theirs.capacity,
    // The original says "never" by a zero.
    idleTimeoutSeconds: theirs.idleTimeoutSecs || undefined,
    maxRunTimeSecondsMax: theirs.maxTaskRunTime,
    freeDiskMiBMin: theirs.requiredDiskSpaceMegabytes,
    signingKeyPath: theirs.ed25519SigningKeyLocation,
  };
  const present = Object.fromEntries(Object.entries(translated).filter(([, value]) => value !== undefined));
  return { ...present, ...taskyard } as Partial<WorkerConfig>;
};
