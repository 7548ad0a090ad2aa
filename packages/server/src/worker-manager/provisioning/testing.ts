import { type Decision, decide, type LaunchConfigFacts, type PoolFacts, type WorkerFacts } from './index.ts';
import { readScaling, type ScalingConfig } from './scaling.ts';
import { seeded } from './simulation/random.ts';

/** Ten o'clock on a Monday. */
export const monday = Date.parse('2026-01-05T10:00:00Z');
export const minuteMs = 60_000;

export const aScaling = (config: Partial<ScalingConfig> = {}) =>
  readScaling({ minCapacity: 0, maxCapacity: 10, ...config });

export const aLaunchConfig = (facts: Partial<LaunchConfigFacts> = {}): LaunchConfigFacts => ({
  launchConfigId: 'lc',
  capacityPerInstance: 1,
  initialWeight: 1,
  errorsLately: 0,
  ...facts,
});

let made = 0;
/** A worker that has run for ten minutes; idle ones have been so for five. */
export const aWorker = (facts: Partial<WorkerFacts> = {}): WorkerFacts => {
  const { state = 'running', runningTasks = 0 } = facts;
  made += 1;
  return {
    workerGroup: 'group',
    workerId: `worker-${made}`,
    launchConfigId: 'lc',
    state,
    capacity: 1,
    runningTasks,
    createdAtMs: monday - 10 * minuteMs,
    idleSinceMs: state === 'running' && runningTasks === 0 ? monday - 5 * minuteMs : undefined,
    isQuarantined: false,
    isDraining: false,
    mayLeave: false,
    ...facts,
  };
};

/** A pool of one launch config in which nothing is to do. */
export const aPool = (facts: Partial<PoolFacts> = {}): PoolFacts => ({
  workerPoolId: 'prov/pool',
  scaling: aScaling(),
  launchConfigs: [aLaunchConfig()],
  pending: [],
  claimed: (facts.workers ?? []).reduce((total, { runningTasks }) => total + runningTasks, 0),
  workers: [],
  ...facts,
});

/** A number of tasks, and how long they have waited. */
export const waiting = (count: number, ageMs = 5000): PoolFacts['pending'] =>
  count > 0 ? [{ ageMs, count }] : [];

export const decided = (facts: PoolFacts, { nowMs = monday, seed = 1 } = {}): Decision[] =>
  decide(facts, { nowMs, random: seeded(seed) });

/** Workers to start, by launch config. */
export const launches = (decisions: readonly Decision[]): Readonly<Record<string, number>> =>
  Object.fromEntries(
    decisions.flatMap((each) => (each.action === 'launch' ? [[each.launchConfigId, each.count]] : [])),
  );

/** Capacity that is to be started. */
export const launched = (facts: PoolFacts, decisions: readonly Decision[]): number =>
  decisions.reduce((total, each) => {
    if (each.action !== 'launch') return total;
    const config = facts.launchConfigs.find(({ launchConfigId }) => launchConfigId === each.launchConfigId);
    return total + each.count * (config?.capacityPerInstance ?? 0);
  }, 0);

/** The ids of the workers that something is done with. */
export const workersTo = (action: Decision['action'], decisions: readonly Decision[]): string[] =>
  decisions.flatMap((each) => ('worker' in each && each.action === action ? [each.worker.workerId] : []));

/** How a pool develops when its decisions are carried out and new workers boot at once. */
export const carriedOut = (facts: PoolFacts, decisions: readonly Decision[], nowMs: number): PoolFacts => {
  const among = (action: Decision['action']) => new Set(workersTo(action, decisions));
  const [ended, drained, resumed, leaving, staying] = [
    among('terminate'),
    among('drain'),
    among('resume'),
    among('may-leave'),
    among('stay'),
  ];
  const kept = facts.workers
    .filter(({ workerId }) => !ended.has(workerId))
    .map((worker) => ({
      ...worker,
      isDraining: (worker.isDraining || drained.has(worker.workerId)) && !resumed.has(worker.workerId),
      mayLeave: (worker.mayLeave || leaving.has(worker.workerId)) && !staying.has(worker.workerId),
    }));
  const started = decisions.flatMap((each) =>
    each.action === 'launch' ? Array<string>(each.count).fill(each.launchConfigId) : [],
  );
  const capacities = new Map(
    facts.launchConfigs.map(({ launchConfigId, capacityPerInstance }) => [
      launchConfigId,
      capacityPerInstance,
    ]),
  );
  const added = started.map((launchConfigId) =>
    aWorker({
      launchConfigId,
      capacity: capacities.get(launchConfigId) ?? 1,
      createdAtMs: nowMs,
      idleSinceMs: nowMs,
    }),
  );
  return { ...facts, workers: [...kept, ...added] };
};
