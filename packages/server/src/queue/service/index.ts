import {
  type Answer,
  type Batched,
  batched,
  batchedRead,
  RequestError,
  type Transaction,
  transact,
  type Verb,
} from '../../base/index.ts';
import { changeTasks } from '../apply.ts';
import type { QueueDeps } from '../context.ts';
import { createDispatcher, type Dispatcher } from '../dispatcher.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import * as store from '../store/index.ts';
import { changePriorities, type PriorityChange } from './change-priorities.ts';
import { cancelTasks, rerunTasks, scheduleTasks, type TaskRequest } from './change-tasks.ts';
import { claimRuns, type RunToClaim, type RunToReclaim, reclaimRuns } from './claims.ts';
import { createGraph, type GraphToCreate } from './create-graph.ts';
import { createTasks, type TaskToCreate } from './create-tasks.ts';
import { cancelGroup, changeGroupPriority, type GroupRequest, sealGroup } from './groups.ts';
import * as reads from './reads.ts';
import { type Report, resolveRuns } from './resolve-runs.ts';

type WithDeps<In, Out> = (
  tx: Transaction,
  items: In[],
  deps: QueueDeps & { now: Date },
) => Promise<Answer<Out>[]>;

const bind =
  <In, Out>(deps: QueueDeps, verb: WithDeps<In, Out>): Verb<In, Out> =>
  (tx, items, now) =>
    verb(tx, items, { ...deps, now });

/** The verbs of the queue. Each works on a set; single calls that arrive together share a transaction. */
export interface QueueVerbs {
  readonly createTasks: Batched<TaskToCreate, TaskRecord>;
  readonly scheduleTasks: Batched<TaskRequest, TaskRecord>;
  readonly rerunTasks: Batched<TaskRequest, TaskRecord>;
  readonly cancelTasks: Batched<TaskRequest, TaskRecord>;
  readonly changePriorities: Batched<PriorityChange, TaskRecord>;
  readonly resolveRuns: Batched<Report, TaskRecord>;
  /** JSON text of the claim. */
  readonly claimRuns: Batched<RunToClaim, string>;
  readonly reclaimRuns: Batched<RunToReclaim, string>;
  /** JSON text. */
  readonly readStatuses: Batched<string, string>;
  readonly readDefinitions: Batched<string, string>;
  readonly claimWork: Dispatcher['claimWork'];
  /** How many calls of `claimWork` wait in this process. */
  waitingForWork(): number;
  createGraph(graph: GraphToCreate): Promise<TaskRecord[]>;
  sealGroup(request: GroupRequest): ReturnType<typeof sealGroup>;
  cancelGroup(request: GroupRequest): ReturnType<typeof cancelGroup>;
  changeGroupPriority(
    request: Parameters<typeof changeGroupPriority>[1],
  ): ReturnType<typeof changeGroupPriority>;
  readGroup(taskGroupId: string): Promise<store.GroupRow>;
  listTaskGroup(taskGroupId: string, page: reads.PageRequest): Promise<string>;
  listDependents(taskId: string, page: reads.PageRequest): Promise<string>;
  listTasks(taskIds: readonly string[], page: reads.PageRequest): Promise<string>;
  listStatuses(taskIds: readonly string[], page: reads.PageRequest): Promise<string>;
  countQueue(taskQueueId: string): ReturnType<typeof reads.countQueue>;
  /** What waits and what runs in the task queues where most does, 200 of them at most. */
  countQueues(): Promise<store.QueueCounts[]>;
  listPending(taskQueueId: string, page: reads.PageRequest): Promise<string>;
  listClaimed(taskQueueId: string, page: reads.PageRequest): Promise<string>;
  /** Ends what a worker of a task queue holds that is known to be gone; the runs are retried. Answers how many. */
  loseWorker(worker: lifecycle.WorkerRef & { readonly taskQueueId: string }): Promise<number>;
  /** Answers all who wait for work. */
  close(): Promise<void>;
}

// Definitions are what makes a batch heavy.
const weigh = ({ request }: TaskToCreate): number => 500 + JSON.stringify(request.payload).length;

/** Binds the verbs to a database, a clock and what the other floors hand in. */
export const bindVerbs = (deps: QueueDeps): QueueVerbs => {
  const { db } = deps;
  const dispatcher = createDispatcher(deps);
  let waiting = 0;
  const readStatuses = batchedRead(deps, 'read-statuses', reads.readStatuses);
  const readDefinitions = batchedRead(deps, 'read-definitions', reads.readDefinitions);
  return {
    createTasks: batched(deps, 'create-tasks', bind(deps, createTasks), { bytesOf: weigh }),
    scheduleTasks: batched(deps, 'schedule-tasks', bind(deps, scheduleTasks)),
    rerunTasks: batched(deps, 'rerun-tasks', bind(deps, rerunTasks)),
    cancelTasks: batched(deps, 'cancel-tasks', bind(deps, cancelTasks)),
    changePriorities: batched(deps, 'change-priorities', bind(deps, changePriorities)),
    resolveRuns: batched(deps, 'resolve-runs', bind(deps, resolveRuns)),
    claimRuns: batched(deps, 'claim-runs', bind(deps, claimRuns)),
    reclaimRuns: batched(deps, 'reclaim-runs', bind(deps, reclaimRuns)),
    readStatuses,
    readDefinitions,
    claimWork: (request) => {
      waiting++;
      return dispatcher.claimWork(request).finally(() => waiting--);
    },
    waitingForWork: () => waiting,
    createGraph: (graph) => createGraph(deps, graph),
    sealGroup: (request) => sealGroup(deps, request),
    cancelGroup: (request) => cancelGroup(deps, request),
    changeGroupPriority: (request) => changeGroupPriority(deps, request),
    readGroup: (taskGroupId) => reads.requireGroup(db, taskGroupId),
    listTaskGroup: (taskGroupId, page) => reads.listTaskGroup(db, taskGroupId, page),
    listDependents: (taskId, page) => reads.listDependents(db, taskId, page),
    listTasks: (taskIds, page) =>
      reads.pageOfTasks(taskIds, page, { all: readDefinitions.all, list: 'tasks', element: 'task' }),
    listStatuses: (taskIds, page) =>
      reads.pageOfTasks(taskIds, page, { all: readStatuses.all, list: 'statuses', element: 'status' }),
    countQueues: () => store.countQueues(db, { queuesMax: 200, runsMax: 100_000 }),
    countQueue: (taskQueueId) => reads.countQueue(db, taskQueueId, deps.clock.now()),
    listPending: (taskQueueId, page) =>
      reads.listPending(db, taskQueueId, { ...page, now: deps.clock.now() }),
    listClaimed: (taskQueueId, page) => reads.listClaimed(db, taskQueueId, page),
    loseWorker: (worker) => loseWorker(deps, worker),
    close: dispatcher.close,
  };
};

const loseWorker = (
  deps: QueueDeps,
  worker: lifecycle.WorkerRef & { readonly taskQueueId: string },
): Promise<number> =>
  transact(deps, async (tx, now) => {
    const held = await store.claimsOfWorker(tx, worker);
    const changes = held.map(({ taskId, runId }) => ({
      taskId,
      decide: (task: TaskRecord) => lifecycle.loseWorker(task, runId, worker, now),
    }));
    const answers = await changeTasks(tx, changes, { ...deps, now });
    return answers.filter((answer) => !(answer instanceof RequestError)).length;
  });
