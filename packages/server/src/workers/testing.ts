import { type Database, type ManualClock, manualClock, silentLog, slugid } from '../base/index.ts';
import { type Opened, opened } from '../testing/index.ts';
import { createWorkers, type GivenWorkersContext, type RunRef, type Workers } from './index.ts';

/**
 * For tests: opens workers as in several processes on one database, each with a clock that starts at the same date.
 */
export const processesOf =
  (db: Database) =>
  (given: Partial<GivenWorkersContext> = {}): { clock: ManualClock; workers: Opened<Workers> } => {
    const clock = manualClock(new Date('2026-01-01T00:00:00.000Z'));
    return { clock, workers: opened(createWorkers({ db, clock, log: silentLog, ...given })) };
  };

let count = 0;

/** For tests: a worker, by default of a new provisioner. */
export const aWorker = (given: { provisionerId?: string; workerType?: string; workerId?: string } = {}) => {
  count++;
  const provisionerId = given.provisionerId ?? `provisioner-${count}`;
  const workerType = given.workerType ?? 'linux';
  const worker = { workerGroup: 'here', workerId: given.workerId ?? `worker-${count}` };
  return {
    params: { provisionerId, workerType, ...worker },
    sighting: { taskQueueId: `${provisionerId}/${workerType}`, ...worker },
  };
};

/** For tests: a run that no other test uses. */
export const aRun = (): RunRef => ({ taskId: slugid(), runId: 0 });
