import { type Loop, localSignal, type Signal } from '../base/index.ts';
import type { Subscription } from '../events/index.ts';
import type { Domain } from '../http/index.ts';
import { createBarred } from './barred.ts';
import type { Context } from './context.ts';
import { barredLoop, workerManagerLoops } from './loops.ts';
import { createProviders, type LocalSettings, type ProviderSettings } from './providers/index.ts';
import { createMemory } from './providers/memory.ts';
import { routes } from './routes/index.ts';
import { type PoolVerbs, poolVerbs } from './service/index.ts';
import { createTimings } from './subscription.ts';
import { gatherTouches } from './touches.ts';

/** The door of worker pools. */
export interface WorkerManager extends Domain<PoolVerbs> {
  /** To be given to the subscriptions of events. */
  readonly subscription: Subscription;
  readonly loopsOfEachProcess: readonly Loop[];
  start(): Promise<void>;
  /** Ends the workers that cannot outlive this process; they still report how their tasks ended. */
  endMachines(): Promise<void>;
}

/** What worker-manager is given by `domains.ts`. */
export interface GivenContext
  extends Omit<
    Context,
    | 'providers'
    | 'changed'
    | 'barredKnown'
    | 'poolsChanged'
    | 'poolsTouched'
    | 'quarantinesChanged'
    | 'pendingChanged'
  > {
  /** Shared between the processes of a deployment; by default they are this process's. */
  readonly changed?: Signal;
  /** Of this process. */
  readonly barredKnown?: Signal;
  readonly poolsChanged?: Signal;
  readonly poolsTouched?: Signal;
  readonly quarantinesChanged?: Signal;
  readonly pendingChanged?: Signal;
  /** Providers of the configuration. */
  readonly configured?: ProviderSettings | undefined;
  /** How workers on this machine are started; without it there is no provider `local`. */
  readonly local?: LocalSettings | undefined;
  /** Further providers, by tests. */
  readonly providers?: Context['providers'];
}

/** What worker-manager works with in one process. */
export interface Opening {
  readonly context: Context;
  /** Woken when a provider may have news of its machines, by the provider's id. */
  readonly swept: ReadonlyMap<string, Signal>;
}

/** Creates the providers of this deployment and all else that lives as long as the process. */
export const contextOf = (given: GivenContext): Opening => {
  const { configured = {}, local, providers: others, ...rest } = given;
  const swept = new Map<string, Signal>();
  const depsOf = (providerId: string) => {
    const signal = localSignal();
    swept.set(providerId, signal);
    const memory = createMemory(given, providerId);
    const { clock, log, rootUrl } = given;
    return { providerId, clock, log, memory, rootUrl, changed: () => signal.wake() };
  };
  const providers = new Map([...createProviders({ configured, local, depsOf }), ...(others ?? [])]);
  const context: Context = {
    ...rest,
    changed: given.changed ?? localSignal(),
    barredKnown: given.barredKnown ?? localSignal(),
    poolsChanged: given.poolsChanged ?? localSignal(),
    poolsTouched: given.poolsTouched ?? localSignal(),
    quarantinesChanged: given.quarantinesChanged ?? localSignal(),
    pendingChanged: given.pendingChanged ?? localSignal(),
    providers,
  };
  return { context, swept };
};

/** Opens worker pools on what they work with. */
export const openOn = ({ context, swept }: Opening): WorkerManager => {
  let isClosing = false;
  const barred = createBarred(context);
  const timings = createTimings();
  const touches = gatherTouches(context);
  return {
    verbs: poolVerbs(context, { barred, touches }),
    routes,
    loops: workerManagerLoops(context, { swept, timings }).map((loop) => ({
      ...loop,
      // Tasks that are released as our workers end are left to the next platform.
      step: async (limit) => (isClosing ? 0 : loop.step(limit)),
    })),
    subscription: timings.subscription,
    loopsOfEachProcess: [barredLoop(barred, context.changed)],
    start: barred.load,
    close: async () => touches.close(),
    endMachines: async () => {
      isClosing = true;
      await Promise.all([...context.providers.values()].map(({ machines }) => machines?.close?.()));
    },
  };
};
