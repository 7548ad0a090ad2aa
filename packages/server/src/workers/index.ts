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

/** What `createWorkers` needs. */
export interface GivenWorkersContext extends BaseContext {
  /** Shared between processes, it makes a quarantine known everywhere at once. */
  readonly quarantinesChanged?: Signal;
  readonly settings?: Partial<WorkersSettings>;
}

/** What the queue uses of workers, and what the functions of `service.ts` work with. */
interface WorkerVerbs extends Context {
  /** Records workers as active. Returns at once and never fails. */
  seeWorkers(sightings: readonly Sighting[]): void;
  /** When the quarantine of a worker ends; undefined when it may work. Read from memory. */
  quarantinedUntil(taskQueueId: string, workerGroup: string, workerId: string): Date | undefined;
  /** Woken when this process learns of quarantines, so that waiting workers are checked again. */
  readonly quarantinesKnown: Signal;
}

/** The door of task queues and workers. */
export interface Workers extends Domain<WorkerVerbs> {
  readonly loopsOfEachProcess: readonly Loop[];
  /** Reads the quarantines; to be awaited before a process answers its first claim. */
  start(): Promise<void>;
  /** Resolves when all that was seen so far in this process has been written. */
  close(): Promise<void>;
}

const settingsDefault: WorkersSettings = {
  sightingEveryMs: minutes(30),
  recordKeptMs: days(1),
  quarantinesEveryMs: seconds(5),
};

/** Builds the domain. Nothing runs and nothing is read until it is called. */
export const createWorkers = (given: GivenWorkersContext): Workers => {
  const settings = { ...settingsDefault, ...given.settings };
  const sightings = createSightings(given, settings);
  const quarantines = createQuarantines(given);
  const quarantinesChanged = given.quarantinesChanged ?? localSignal();
  const context: Context = { ...given, settings, sightings, quarantines, quarantinesChanged };
  return {
    verbs: {
      ...context,
      seeWorkers: sightings.seeWorkers,
      quarantinedUntil: quarantines.quarantinedUntil,
      quarantinesKnown: quarantines.known,
    },
    routes,
    loops: expiryLoops(context),
    loopsOfEachProcess: quarantineLoops(context),
    start: quarantines.load,
    close: sightings.settle,
  };
};
