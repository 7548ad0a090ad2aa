import {
  type BaseContext,
  days,
  type Loop,
  localSignal,
  minutes,
  type Signal,
  seconds,
} from '../base/index.ts';
import type { Domain } from '../http/index.ts';
import type { Context, WorkersSettings } from './context.ts';
import { expiryLoops, quarantineLoops } from './loops.ts';
import { createQuarantines } from './quarantines.ts';
import { routes } from './routes.ts';
import { type WorkerVerbs, workerVerbs } from './service.ts';
import { createSightings } from './sightings.ts';

export { routes as workersRoutes } from './routes.ts';
export {
  ListWorkersResponse,
  pendingTasksResponse,
  QuarantineDetail,
  RunRef,
  taskQueueCountsResponse,
  taskRun,
} from './schema.ts';
export { readLastSeen, readQuarantined, type WorkerVerbs, workerPages } from './service.ts';

/** What `domains.ts` passes to workers. */
export interface GivenWorkersContext extends BaseContext {
  /** When it is shared between processes, a quarantine takes effect everywhere at once. */
  readonly quarantinesChanged?: Signal;
  readonly settings?: Partial<WorkersSettings>;
}

/** The door of task queues and workers. */
export interface Workers extends Domain<WorkerVerbs> {
  readonly loopsOfEachProcess: readonly Loop[];
  /** Reads the quarantines; to be awaited before a process answers its first claim. */
  start(): Promise<void>;
  /** Resolves when all sightings so far in this process have been written. */
  close(): Promise<void>;
}

const settingsDefault: WorkersSettings = {
  sightingEveryMs: minutes(30),
  recordKeptMs: days(1),
  quarantinesEveryMs: seconds(5),
};

/** Opens task queues and workers. Nothing runs and nothing is read until its functions are called. */
export const createWorkers = (given: GivenWorkersContext): Workers => {
  const settings = { ...settingsDefault, ...given.settings };
  const sightings = createSightings(given, settings);
  const quarantines = createQuarantines(given);
  const quarantinesChanged = given.quarantinesChanged ?? localSignal();
  const context: Context = { ...given, settings, sightings, quarantines, quarantinesChanged };
  return {
    verbs: workerVerbs(context),
    routes,
    loops: expiryLoops(context),
    loopsOfEachProcess: quarantineLoops(context),
    start: quarantines.load,
    close: sightings.settle,
  };
};
