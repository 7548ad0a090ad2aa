import {
  type BaseContext,
  days,
  type Loop,
  localSignal,
  minutes,
  type Signal,
  seconds,
} from '../base/index.ts';
import { expiryLoops, quarantineLoops } from './loops.ts';
import { createQuarantines } from './quarantines.ts';
import type { WorkersFloor, WorkersSettings } from './service.ts';
import { createSightings, type Sighting } from './sightings.ts';

export { routes as workersRoutes, type WorkersServices } from './routes.ts';
export * from './schema.ts';
export {
  declareWorker,
  getProvisioner,
  getTaskQueue,
  getWorker,
  getWorkerType,
  listProvisioners,
  listTaskQueues,
  listWorkers,
  listWorkerTypes,
  quarantineWorker,
  readLastSeen,
  readQuarantined,
  type WorkersFloor,
  type WorkersSettings,
  workerPages,
} from './service.ts';
export type { Sighting } from './sightings.ts';
export type { WorkerRef } from './store.ts';

export interface WorkersDeps extends BaseContext {
  /** Shared between processes, it makes a quarantine known everywhere at once. */
  readonly quarantinesChanged?: Signal;
  readonly settings?: Partial<WorkersSettings>;
}

/**
 * The floor of task queues and workers: what the queue asks of it, and the background work that belongs to
 * it.
 */
export interface Workers extends WorkersFloor {
  /** Takes note of workers at work. Returns at once and never fails. */
  seeWorkers(sightings: readonly Sighting[]): void;
  /** Resolves when all that was seen so far in this process has been written. */
  settle(): Promise<void>;
  /** When the quarantine of a worker ends; undefined when it may work. Answered from memory. */
  quarantinedUntil(taskQueueId: string, workerGroup: string, workerId: string): Date | undefined;
  /** Reads the quarantines anew; to be awaited before a process answers its first claim. */
  loadQuarantines(): Promise<void>;
  /** For any one or more processes of a deployment. */
  readonly loops: readonly Loop[];
  /** For every process that hands out work. */
  readonly loopsOfEachProcess: readonly Loop[];
}

const settingsDefault: WorkersSettings = {
  sightingEveryMs: minutes(30),
  recordKeptMs: days(1),
  quarantinesEveryMs: seconds(5),
};

/** Joins the floor together; nothing runs and nothing is read until it is asked to. */
export const createWorkers = (deps: WorkersDeps): Workers => {
  const { db, clock, log, quarantinesChanged = localSignal() } = deps;
  const settings = { ...settingsDefault, ...deps.settings };
  const sightings = createSightings(deps, settings);
  const quarantines = createQuarantines(deps);
  const floor = { db, clock, log, settings, sightings, quarantines, quarantinesChanged };
  return {
    ...floor,
    ...sightings,
    quarantinedUntil: quarantines.quarantinedUntil,
    loadQuarantines: quarantines.load,
    loops: expiryLoops(floor),
    loopsOfEachProcess: quarantineLoops(floor),
  };
};
