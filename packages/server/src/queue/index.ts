import { type Loop, localSignal, type Signal, type Sql, type Transaction } from '../base/index.ts';
import type { QueueDeps } from './context.ts';
import type { Move } from './events.ts';
import { queueLoops } from './loops.ts';
import { statusOf, type TaskRecord } from './record.ts';
import type { TaskStatus } from './schema/index.ts';
import { bindVerbs, type QueueVerbs } from './service/index.ts';
import { readRecords } from './store/index.ts';

export { ageingPattern, readAgeing } from './ageing.ts';
export { type Change, changeTasks } from './apply.ts';
export type { Credentials, CredentialsRequest, QueueDeps, QueueSettings, Sighting } from './context.ts';
export { type Move, taskKey } from './events.ts';
export { exchangesWith } from './exchanges.ts';
export { type Outcome, rerun, resolvedRun, type WorkerRef } from './lifecycle.ts';
export { statusText, type TaskRecord } from './record.ts';
export { type QueueServices, routes } from './routes/index.ts';
export { createScopes as createTaskScopes } from './routes/tasks.ts';
export * from './schema/index.ts';
export { allOrNone, refusalOf } from './service/create-graph.ts';
export { createTasks, type TaskToCreate } from './service/create-tasks.ts';
export type { QueueVerbs } from './service/index.ts';
export { readDefinitions } from './service/reads.ts';
export { claimsByWorker, type WaitingGroup, type WorkersClaims, waitingByAge } from './store/index.ts';

/** A status with what messages about the task carry besides. */
export type StatusWithLabels = TaskStatus & {
  readonly tags: Readonly<Record<string, string>>;
  readonly routes: readonly string[];
};

/** Statuses of tasks for the floors above; those that do not exist are left out. */
export const readStatuses = async (db: Sql, taskIds: string[]): Promise<StatusWithLabels[]> =>
  (await readRecords(db, taskIds)).map(statusWithLabels);

const statusWithLabels = (record: TaskRecord): StatusWithLabels => ({
  ...statusOf(record),
  tags: JSON.parse(record.tags) as Record<string, string>,
  routes: record.routes,
});

export interface Queue extends QueueVerbs {
  readonly loops: readonly Loop[];
}

/** What floors above may do when tasks resolve, in the same transaction. */
export type OnResolved = (tx: Transaction, moves: readonly Move[], now: Date) => Promise<void>;

/** Opens the queue. Signals are shared between the processes of a deployment; by default they are this process's. */
export const createQueue = (
  deps: Omit<QueueDeps, 'pendingChanged' | 'releaseStarted'> & {
    pendingChanged?: Signal;
    releaseStarted?: Signal;
  },
): Queue => {
  const whole: QueueDeps = {
    ...deps,
    pendingChanged: deps.pendingChanged ?? localSignal(),
    releaseStarted: deps.releaseStarted ?? localSignal(),
  };
  return { ...bindVerbs(whole), loops: queueLoops(whole) };
};
