import {
  alone,
  type Batched,
  bindQueries,
  bindVerbs,
  inBatches,
  inReads,
  type Sql,
} from '../../base/index.ts';
import { claimRuns, reclaimRuns } from '../claiming/claim-runs.ts';
import type { Dispatcher } from '../claiming/dispatcher.ts';
import type { LostRuns } from '../claiming/lost-runs.ts';
import type { Context } from '../context.ts';
import type { TaskRecord } from '../record.ts';
import * as store from '../store/index.ts';
import { changePriorities } from './change-priorities.ts';
import { cancelTasks, rerunTasks, scheduleTasks } from './change-tasks.ts';
import { createGraphs, type GraphToCreate, requireSoundGraph } from './create-graph.ts';
import { createTasks, type TaskToCreate } from './create-tasks.ts';
import { cancelGroup, changeGroupPriority, type GroupRequest, rerunGroup, sealGroups } from './groups.ts';
import { loseWorkers } from './lose-workers.ts';
import * as reads from './reads.ts';
import { reportRuns, type SignedReports } from './report-runs.ts';
import { resolveRuns } from './resolve-runs.ts';

// Definitions make up most of the size of a batch.
const weigh = ({ request }: TaskToCreate): number => 500 + JSON.stringify(request.payload).length;

/** Each handles a set; calls that arrive together share a transaction. */
const verbs = {
  createTasks: inBatches(createTasks, { bytesOf: weigh }),
  createGraphs: alone(createGraphs),
  scheduleTasks: inBatches(scheduleTasks),
  rerunTasks: inBatches(rerunTasks),
  cancelTasks: inBatches(cancelTasks),
  changePriorities: inBatches(changePriorities),
  sealGroups: inBatches(sealGroups),
  resolveRuns: inBatches(resolveRuns),
  claimRuns: inBatches(claimRuns),
  reclaimRuns: inBatches(reclaimRuns),
  loseWorkers: inBatches(loseWorkers),
  readStatuses: inReads(reads.readStatuses),
  readDefinitions: inReads(reads.readDefinitions),
};

const queries = {
  readGroup: reads.requireGroup,
  listTaskGroup: reads.listTaskGroup,
  listDependents: reads.listDependents,
  listPending: reads.listPending,
  listClaimed: reads.listClaimed,
  countQueue: reads.countQueue,
  countTaskQueues: reads.countTaskQueues,
  /** The numbers of waiting and running runs in the 200 task queues with the most. */
  countQueues: (sql: Sql) => store.countQueues(sql, { queuesMax: 200, runsMax: 100_000 }),
};

/** A page of results for tasks that are named one by one. */
const listings = (read: { statuses: Batched<string, string>; definitions: Batched<string, string> }) => ({
  listTasks: (taskIds: readonly string[], page: reads.PageRequest) =>
    reads.pageOfTasks(taskIds, page, { all: read.definitions.all, list: 'tasks', element: 'task' }),
  listStatuses: (taskIds: readonly string[], page: reads.PageRequest) =>
    reads.pageOfTasks(taskIds, page, { all: read.statuses.all, list: 'statuses', element: 'status' }),
});

/** The verbs of the queue, bound to what it was opened with. */
export const queueVerbs = (
  context: Context,
  { dispatcher, lostRuns }: { readonly dispatcher: Dispatcher; readonly lostRuns: LostRuns },
) => {
  const bound = bindVerbs(context, verbs);
  return {
    ...bound,
    ...bindQueries(context, queries),
    ...listings({ statuses: bound.readStatuses, definitions: bound.readDefinitions }),
    createGraph: async (graph: GraphToCreate): Promise<TaskRecord[]> => {
      requireSoundGraph(graph);
      return bound.createGraphs.one(graph);
    },
    reportRuns: (signed: SignedReports) => reportRuns(context, bound.resolveRuns, signed),
    cancelGroup: (request: GroupRequest) => cancelGroup(context, request),
    rerunGroup: (request: GroupRequest) => rerunGroup(context, request),
    changeGroupPriority: (request: Parameters<typeof changeGroupPriority>[1]) =>
      changeGroupPriority(context, request),
    claimWork: dispatcher.claimWork.bind(dispatcher),
    awaitLostRuns: lostRuns.awaitLost.bind(lostRuns),
    /** How many calls of `claimWork` wait in this process. */
    waitingForWork: () => dispatcher.waiting,
  };
};

/** The verbs of the queue. */
export type QueueVerbs = ReturnType<typeof queueVerbs>;
