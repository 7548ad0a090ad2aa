import { hours, type Loop, later, minutes, type Signal, seconds } from '../base/index.ts';
import type { Barred } from './barred.ts';
import type { Context } from './context.ts';
import { Rounds } from './rounds.ts';
import {
  decisionKeptMs,
  endOverdueWorkers,
  endQuietWorkers,
  endWorkers,
  errorKeptMs,
  expireWorkers,
  launchWorkers,
  sampleKeptMs,
  sweep,
  tellOfLostProviders,
} from './service/index.ts';
import {
  deleteEmptyPools,
  deleteOldDecisions,
  deleteOldErrors,
  deleteOldMemory,
  deleteOldRounds,
  deleteOldSamples,
  deleteUnusedLaunchConfigs,
  forgetProviders,
} from './service/sweeps.ts';
import type { Timings } from './subscription.ts';

const roundKeptMs = hours(24);

/** Background work that any one process may do for all. */
export const workerManagerLoops = (
  context: Context,
  { swept, timings }: { swept: ReadonlyMap<string, Signal>; timings: Timings },
): Loop[] => [
  new Rounds(context, timings).loop,
  ...[...context.providers.values()].flatMap(({ providerId, machines }) =>
    machines
      ? machineLoops(context, providerId, { everyMs: machines.sweepEveryMs, swept: swept.get(providerId) })
      : [],
  ),
  {
    name: 'end-overdue-workers',
    everyMs: seconds(30),
    limit: 200,
    step: (limit) => endOverdueWorkers(context, limit),
  },
  {
    name: 'end-quiet-workers',
    everyMs: minutes(2),
    limit: Number.POSITIVE_INFINITY,
    step: () => endQuietWorkers(context),
  },
  {
    name: 'tell-of-lost-providers',
    everyMs: minutes(1),
    limit: 200,
    step: (limit) => tellOfLostProviders(context, limit),
  },
  ...expiryLoops(context),
];

interface Sweeping {
  readonly everyMs: number;
  readonly swept: Signal | undefined;
}

/** What has to do with one provider: it keeps no other one waiting. */
const machineLoops = (context: Context, providerId: string, sweeping: Sweeping): Loop[] => [
  {
    name: `launch-${providerId}`,
    everyMs: seconds(10),
    limit: 50,
    wakeBy: context.changed,
    step: (limit) => launchWorkers(context, providerId, limit),
  },
  {
    name: `end-${providerId}`,
    everyMs: seconds(10),
    limit: 200,
    wakeBy: context.changed,
    step: (limit) => endWorkers(context, providerId, limit),
  },
  sweepLoop(context, providerId, sweeping),
];

const sweepLoop = (context: Context, providerId: string, { everyMs, swept }: Sweeping): Loop => {
  // Nobody knows what happened to the process that swept before us.
  let isAtOnce = true;
  swept?.each(() => {
    isAtOnce = true;
  });
  return {
    name: `sweep-${providerId}`,
    everyMs,
    limit: Number.POSITIVE_INFINITY,
    ...(swept ? { wakeBy: swept } : {}),
    step: async () => {
      const hurry = isAtOnce;
      isAtOnce = false;
      return sweep(context, providerId, { isAtOnce: hurry });
    },
  };
};

/** Keeps known who gets no work any more, in each process that hands some out. */
export const barredLoop = (barred: Barred, changed: Signal): Loop => ({
  name: 'load-barred-workers',
  everyMs: seconds(5),
  limit: Number.POSITIVE_INFINITY,
  wakeBy: changed,
  step: async () => {
    await barred.load();
    return 0;
  },
});

const expiryLoops = (context: Context): Loop[] => [
  {
    name: 'expire-managed-workers',
    everyMs: hours(1),
    limit: 200,
    step: (limit) => expireWorkers(context, limit),
  },
  {
    name: 'expire-worker-pools',
    everyMs: hours(1),
    limit: 100,
    step: (limit) => deleteEmptyPools(context, limit),
  },
  {
    name: 'forget-former-providers',
    everyMs: hours(1),
    limit: 100,
    step: (limit) => forgetProviders(context, limit),
  },
  {
    name: 'delete-unused-launch-configs',
    everyMs: hours(1),
    limit: 500,
    step: (limit) => deleteUnusedLaunchConfigs(context, limit),
  },
  {
    name: 'expire-worker-pool-errors',
    everyMs: hours(1),
    limit: 1000,
    step: (limit) => deleteOldErrors(context, later(context.clock.now(), -errorKeptMs), limit),
  },
  {
    name: 'expire-provisioning-decisions',
    everyMs: minutes(10),
    limit: 1000,
    step: (limit) => deleteOldDecisions(context, later(context.clock.now(), -decisionKeptMs), limit),
  },
  {
    name: 'expire-pool-samples',
    everyMs: hours(1),
    limit: 1000,
    step: (limit) => deleteOldSamples(context, later(context.clock.now(), -sampleKeptMs), limit),
  },
  {
    name: 'forget-provisioning-rounds',
    everyMs: hours(1),
    limit: 500,
    step: (limit) => deleteOldRounds(context, later(context.clock.now(), -roundKeptMs), limit),
  },
  {
    name: 'forget-old-provider-memory',
    everyMs: minutes(10),
    limit: 1000,
    step: (limit) => deleteOldMemory(context, limit),
  },
];
