import { type Loop, localSignal, type Signal } from '../base/index.ts';
import type { Subscription } from '../events/index.ts';
import type { Domain, ServiceDeclaration } from '../http/index.ts';
import { createBarred } from './barred.ts';
import type { Context } from './context.ts';
import { exchanges } from './exchanges.ts';
import { barredLoop, workerManagerLoops } from './loops.ts';
import {
  createProviders,
  type LocalSettings,
  type ProviderSettings,
  providerSchemas,
} from './providers/index.ts';
import { createMemory } from './providers/memory.ts';
import type { WorkerManagerServices } from './routes/parameters.ts';
import { poolRoutes } from './routes/pools.ts';
import { workerRoutes } from './routes/workers.ts';
import * as schema from './schema/index.ts';
import { countDecisions, countPools } from './service/index.ts';
import { createTimings } from './subscription.ts';

export { type LocalSettings, ProviderSettings, reservedProviderIds } from './providers/index.ts';
export * as simulation from './provisioning/simulation/index.ts';
export { dropPool, ensurePool } from './service/index.ts';

/** The door of worker pools. */
export interface WorkerManager extends Domain<WorkerManagerVerbs> {
  /** To be given to the subscriptions of events. */
  readonly subscription: Subscription;
  readonly loopsOfEachProcess: readonly Loop[];
  start(): Promise<void>;
  /** Ends the workers that cannot outlive this process; they still report how their tasks ended. */
  endMachines(): Promise<void>;
}

/** What other domains use of worker pools, and what the functions of `service/` work with. */
export interface WorkerManagerVerbs extends Context {
  /** Whether a worker gets no more tasks. Read from memory. */
  isBarred(workerPoolId: string, workerGroup: string, workerId: string): boolean;
  /** Whether credentials of this name belong to a worker that has ended. Read from memory. */
  isRevoked(clientId: string): boolean;
  /** Workers by pool and state, and their capacity. */
  countPools(): ReturnType<typeof countPools>;
  /** The decisions of the last hour, counted by pool and action. */
  countDecisions(): ReturnType<typeof countDecisions>;
}

interface WorkerManagerContext
  extends Omit<Context, 'providers' | 'changed' | 'poolsChanged' | 'pendingChanged'> {
  /** Shared between the processes of a deployment; by default they are this process's. */
  readonly changed?: Signal;
  readonly poolsChanged?: Signal;
  readonly pendingChanged?: Signal;
  /** Providers of the configuration. */
  readonly configured?: ProviderSettings | undefined;
  /** How workers on this machine are started; without it there is no provider `local`. */
  readonly local?: LocalSettings | undefined;
  /** Further providers, by tests. */
  readonly providers?: Context['providers'];
}

const routes = [...poolRoutes, ...workerRoutes];

/** Opens worker pools with the providers of this deployment. */
export const createWorkerManager = (deps: WorkerManagerContext): WorkerManager => {
  const { configured = {}, local, providers: others, ...rest } = deps;
  const signals = {
    changed: deps.changed ?? localSignal(),
    poolsChanged: deps.poolsChanged ?? localSignal(),
    pendingChanged: deps.pendingChanged ?? localSignal(),
  };
  const swept = new Map<string, Signal>();
  const depsOf = (providerId: string) => {
    const signal = localSignal();
    swept.set(providerId, signal);
    const memory = createMemory(deps, providerId);
    const { clock, log, rootUrl } = deps;
    return { providerId, clock, log, memory, rootUrl, changed: () => signal.wake() };
  };
  const providers = new Map([...createProviders({ configured, local, depsOf }), ...(others ?? [])]);
  const context: Context = { ...rest, ...signals, providers };
  let isClosing = false;
  const barred = createBarred(deps);
  const timings = createTimings();
  return {
    verbs: {
      ...context,
      isBarred: barred.isBarred,
      isRevoked: barred.isRevoked,
      countPools: () => countPools(context),
      countDecisions: () => countDecisions(context),
    },
    routes,
    loops: workerManagerLoops(context, { swept, timings }).map((loop) => ({
      ...loop,
      // Tasks that are released as our workers end are left to the next platform.
      step: async (limit) => (isClosing ? 0 : loop.step(limit)),
    })),
    subscription: timings.subscription,
    loopsOfEachProcess: [barredLoop(barred, signals.changed)],
    start: barred.load,
    endMachines: async () => {
      isClosing = true;
      await Promise.all([...providers.values()].map(({ machines }) => machines?.close?.()));
    },
  };
};

/** What this service publishes. */
export const workerManagerDeclaration: ServiceDeclaration<WorkerManagerServices> = {
  service: {
    serviceName: 'worker-manager',
    title: 'Worker Manager',
    description: 'Keeps worker pools, starts and admits their workers, and says which of them should go.',
  },
  routes,
  exchanges,
  schemas: [...schema.configSchemas, ...providerSchemas, ...schema.otherCloudSchemas, ...schema.taskParts],
};
