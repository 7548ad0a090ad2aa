import type { Capacities, WorkerState } from '../schema/index.ts';
import type { StateCount } from '../store/index.ts';

/** The numbers of some workers, from counts by state. */
export const capacitiesOf = (counts: readonly StateCount[]): Capacities => {
  const sum = (field: 'count' | 'capacity', ...states: WorkerState[]): number =>
    counts.filter(({ state }) => states.includes(state)).reduce((total, each) => total + each[field], 0);
  return {
    currentCapacity: sum('capacity', 'requested', 'running', 'stopping'),
    requestedCount: sum('count', 'requested'),
    runningCount: sum('count', 'running'),
    stoppingCount: sum('count', 'stopping'),
    stoppedCount: sum('count', 'stopped'),
    requestedCapacity: sum('capacity', 'requested'),
    runningCapacity: sum('capacity', 'running'),
    stoppingCapacity: sum('capacity', 'stopping'),
    stoppedCapacity: sum('capacity', 'stopped'),
  };
};

/** The numbers of each of these launch configs. */
export const countsByLaunchConfig = (
  launchConfigIds: readonly string[],
  counts: readonly StateCount[],
): (Capacities & { launchConfigId: string })[] =>
  launchConfigIds.map((launchConfigId) => ({
    launchConfigId,
    ...capacitiesOf(counts.filter((count) => count.launchConfigId === launchConfigId)),
  }));
