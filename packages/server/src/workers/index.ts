import {
  type BaseContext,
  days,
  type Loop,
  localSignal,
  minutes,
  type Signal,
  seconds,
} from '../base/index.ts';
import type { Context, WorkersSettings } from './context.ts';
import { expiryLoops, quarantineLoops } from './loops.ts';
import { createQuarantines } from './quarantines.ts';
import { createSightings, type Sighting } from './sightings.ts';

export type { Context as WorkersContext } from './context.ts';
export { routes as workersRoutes } from './routes.ts';
export {
  ListWorkersResponse,
  pendingTasksResponse,
  QuarantineDetail,
  RunRef,
  taskQueueCountsResponse,
  taskRun,
} from './schema.ts';
export { getWorker, listWorkers, readLastSeen, readQuarantined, workerPages } from './service.ts';

/** What workers are given. */
export interface GivenWorkersContext extends BaseContext {
  /** Shared between processes, it makes a quarantine known everywhere at once. */
  readonly quarantinesChanged?: Signal;
  readonly settings?: Partial<WorkersSettings>;
}

/**
 * The context of task queues and workers: what the queue asks of it, and the background work that belongs to
 * it.
 */
export interface Workers extends Context {
  /** Takes note of workers at work. Returns at once and never fails. */
  seeWorkers(sightings: readonly Sighting[]): void;
  /** Resolves when all that was seen so far in this process has been written. */
  settle(): Promise<void>;
  /** When the quarantine of a worker ends; undefined when it may work. Answered from memory. */
  quarantinedUntil(taskQueueId: string, workerGroup: string, workerId: string): Date | undefined;
  /** Woken whenever this process has learned of quarantines: those that wait for work are looked at again. */
  readonly quarantinesKnown: Signal;
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

/** Joins the context together; nothing runs and nothing is read until it is asked to. */
export const createWorkers = (given: GivenWorkersContext): Workers => {
  const settings = { ...settingsDefault, ...given.settings };
  const sightings = createSightings(given, settings);
  const quarantines = createQuarantines(given);
  const quarantinesChanged = given.quarantinesChanged ?? localSignal();
  const context: Context = { ...given, settings, sightings, quarantines, quarantinesChanged };
  return {
    ...context,
    ...sightings,
    quarantinedUntil: quarantines.quarantinedUntil,
    quarantinesKnown: quarantines.known,
    loadQuarantines: quarantines.load,
    loops: expiryLoops(context),
    loopsOfEachProcess: quarantineLoops(context),
  };
};
