import { localSignal, type Signal, type Sql, type Transaction } from '../base/index.ts';
import type { Domain } from '../http/index.ts';
import { Dispatcher } from './claiming/dispatcher.ts';
import { LostRuns } from './claiming/lost-runs.ts';
import type { Context } from './context.ts';
import { queueLoops } from './loops.ts';
import { statusOf, type TaskRecord } from './record.ts';
import { routes } from './routes/index.ts';
import type { TaskStatus } from './schema/index.ts';
import { type QueueVerbs, queueVerbs } from './service/index.ts';
import { lockWithDependents, readRecords, settledAmong, shareRecords } from './store/index.ts';

export { ageingPattern, readAgeing } from './ageing.ts';
export { authorizeBy } from './authority.ts';
export { changeTasks } from './changes/apply.ts';
export type { Context as QueueContext, Credentials, CredentialsRequest, QueueSettings } from './context.ts';
export { exchangesWith } from './exchanges.ts';
export { claim, finish, rerun, resolvedRun } from './lifecycle.ts';
export type { Change, TaskRecord } from './record.ts';
export { routes } from './routes/index.ts';
export { createScopes as createTaskScopes } from './routes/tasks.ts';
export {
  CreateTaskRequest,
  createTaskRequest,
  type FilledTaskRequest,
  graphTasksMax,
  pollTaskUrlsResponse,
  priorities,
  Refusal,
  RunStatus,
  reasonsResolved,
  Tags,
  TaskDefinition,
  type TaskState,
  TaskStatus,
  taskCredentials,
  taskDefinedMessage,
  taskDefinitionAndStatus,
  taskMetadata,
  taskPulseDefinition,
  taskStates,
  taskStatus,
  Version,
} from './schema/index.ts';
export { refusalOf } from './service/create-graph.ts';
export { createTasks, createTasksTogether } from './service/create-tasks.ts';
export type { QueueVerbs } from './service/index.ts';
export { readDefinitions } from './service/reads.ts';
export { claimsByWorker, settledAmong, waitingByAge } from './store/index.ts';

/** A status with the other fields of messages about the task. */
export type StatusWithLabels = TaskStatus & {
  readonly tags: Readonly<Record<string, string>>;
  readonly routes: readonly string[];
};

/** Statuses of tasks for the floors above; those that do not exist are left out. */
export const readStatuses = async (db: Sql, taskIds: readonly string[]): Promise<StatusWithLabels[]> =>
  (await readRecords(db, taskIds)).map(statusWithLabels);

/** The same, with the tasks locked against changes until the transaction ends. */
export const shareStatuses = async (
  tx: Transaction,
  taskIds: readonly string[],
): Promise<StatusWithLabels[]> => (await shareRecords(tx, taskIds)).map(statusWithLabels);

/** Those of these tasks that nobody needs any more, as {@link settledAmong} finds them, until the transaction ends. */
export const holdSettled = async (tx: Transaction, taskIds: readonly string[]): Promise<string[]> => {
  await lockWithDependents(tx, taskIds);
  return settledAmong(tx, taskIds);
};

const statusWithLabels = (record: TaskRecord): StatusWithLabels => ({
  ...statusOf(record),
  tags: JSON.parse(record.tags) as Record<string, string>,
  routes: record.routes,
});

/** The door of the queue. */
export interface Queue extends Domain<QueueVerbs> {
  drain(): Promise<void>;
}

/** Opens the queue. Signals are shared between the processes of a deployment; by default they are this process's. */
export const createQueue = (
  given: Omit<Context, 'pendingChanged' | 'placesTaken' | 'releaseStarted' | 'runsLost'> & {
    pendingChanged?: Signal;
    placesTaken?: Signal;
    releaseStarted?: Signal;
    runsLost?: Signal;
  },
): Queue => {
  const context: Context = {
    ...given,
    pendingChanged: given.pendingChanged ?? localSignal(),
    placesTaken: given.placesTaken ?? localSignal(),
    releaseStarted: given.releaseStarted ?? localSignal(),
    runsLost: given.runsLost ?? localSignal(),
  };
  const dispatcher = new Dispatcher(context);
  const lostRuns = new LostRuns(context);
  return {
    verbs: queueVerbs(context, { dispatcher, lostRuns }),
    routes,
    loops: queueLoops(context),
    drain: async () => {
      await Promise.all([lostRuns.close(), dispatcher.close()]);
    },
  };
};
