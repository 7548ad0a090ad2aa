import { alone, bindQueries, bindVerbs } from '../../base/index.ts';
import type { Barred } from '../barred.ts';
import type { Context } from '../context.ts';
import type { RegisterWorkerRequest } from '../schema/index.ts';
import type { Touches } from '../touches.ts';
import * as decisions from './decisions.ts';
import * as errors from './errors.ts';
import * as measures from './measures.ts';
import * as pools from './pools.ts';
import * as registration from './registration.ts';
import * as samples from './samples.ts';
import * as seen from './seen-workers.ts';
import * as workers from './workers.ts';

export { decisionKeptMs } from './decisions.ts';
export { errorKeptMs } from './errors.ts';
export { launchWorkers } from './launches.ts';
export { endOverdueWorkers, endQuietWorkers } from './lifetimes.ts';
export { tellOfLostProviders } from './lost-providers.ts';
export { type ProvisioningRound, provision } from './provision.ts';
export { endWorkers } from './removal.ts';
export { sampleKeptMs } from './samples.ts';
export { sweep } from './sweep.ts';
export { expireWorkers } from './workers.ts';

const verbs = {
  createPools: alone(pools.createPools),
  updatePools: alone(pools.updatePools),
  deletePools: alone(pools.deletePools),
  pausePools: alone(pools.pausePools),
  ensurePools: alone(pools.ensurePools),
  dropPools: alone(pools.dropPools),
  createWorkers: alone(workers.createWorkers),
  updateWorkers: alone(workers.updateWorkers),
  drainWorkers: alone(workers.drainWorkers),
  reportWorkerErrors: alone(errors.reportWorkerErrors),
  reregisterWorkers: alone(registration.reregisterWorkers),
};

const queries = {
  listProviders: pools.listProviders,
  readPool: pools.readPool,
  listPools: pools.listPools,
  listPauses: pools.listPauses,
  poolPause: pools.poolPause,
  listPoolsStats: pools.listPoolsStats,
  poolStats: pools.poolStats,
  countPools: pools.countPools,
  measurePools: measures.measurePools,
  listLaunchConfigs: pools.listLaunchConfigs,
  listErrors: errors.listErrors,
  errorStats: errors.errorStats,
  listDecisions: decisions.listDecisions,
  listSamples: samples.listSamples,
  countDecisions: decisions.countDecisions,
  readWorker: workers.readWorker,
  listWorkers: workers.listWorkers,
  shouldWorkerTerminate: workers.shouldWorkerTerminate,
  listSeenWorkers: seen.listSeenWorkers,
  getSeenWorker: seen.getSeenWorker,
};

/** The verbs of worker pools and their workers, bound to what they were opened with. */
export const poolVerbs = (
  context: Context,
  { barred, touches }: { readonly barred: Barred; readonly touches: Touches },
) => {
  const bound = bindVerbs(context, verbs);
  return {
    ...bindQueries(context, queries),
    createPool: bound.createPools.one,
    updatePool: bound.updatePools.one,
    deletePool: bound.deletePools.one,
    pausePool: bound.pausePools.one,
    ensurePool: bound.ensurePools.one,
    dropPool: bound.dropPools.one,
    createWorker: bound.createWorkers.one,
    updateWorker: async (request: workers.WorkerRequest) => {
      const worker = await bound.updateWorkers.one(request);
      // As below: a date in the past ends its work, a later one lets it work again.
      await barred.load();
      return worker;
    },
    drainWorker: bound.drainWorkers.one,
    removeWorker: async (worker: workers.AskedWorker, reason: string) => {
      const removed = await workers.removeWorker(context, worker, reason);
      // This process refuses its credentials before the reply; others as soon as they hear of it.
      await barred.load();
      return removed;
    },
    registerWorker: (request: RegisterWorkerRequest) => registration.registerWorker(context, request),
    reregisterWorker: bound.reregisterWorkers.one,
    reportWorkerError: bound.reportWorkerErrors.one,
    /** Tells that other runs than before wait in these task queues, or are claimed: the next round looks at them. */
    touchPools: touches.touch,
    /** Whether a worker gets no more tasks. Read from memory. */
    isBarred: barred.isBarred,
    /** Whether credentials of this name belong to a worker that has ended. Read from memory. */
    isRevoked: barred.isRevoked,
  };
};

export type PoolVerbs = ReturnType<typeof poolVerbs>;
