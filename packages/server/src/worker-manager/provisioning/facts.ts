import type { Scaling } from './scaling.ts';

/**
 * All that a decision about one pool rests on. Times are milliseconds since the epoch. Every list can be read for all
 * pools by one statement each, grouped by pool: nothing here is read worker by worker or task by task.
 */
export interface PoolFacts {
  readonly workerPoolId: string;
  readonly scaling: Scaling;
  /** Why an operator lets nothing be started, where one does. */
  readonly paused?: string | undefined;
  /** Those that are not archived. */
  readonly launchConfigs: readonly LaunchConfigFacts[];
  /** The oldest first. */
  readonly pending: readonly PendingGroup[];
  /** How many runs are claimed. */
  readonly claimed: number;
  /** All that are not stopped. */
  readonly workers: readonly WorkerFacts[];
  /** How long runs took lately, on average; absent when it is not known. Then no running place is waited for. */
  readonly taskMs?: number | undefined;
}

/** Runs that have waited about equally long, a bucket of a histogram. */
export interface PendingGroup {
  readonly ageMs: number;
  readonly count: number;
}

export interface LaunchConfigFacts {
  readonly launchConfigId: string;
  readonly capacityPerInstance: number;
  readonly initialWeight: number;
  readonly maxCapacity?: number | undefined;
  /** Errors of this launch config in the last hour. */
  readonly errorsLately: number;
  /** Its provider had no capacity for it some moments ago, or does not answer. */
  readonly isShort?: boolean;
  /** From the request for a worker to its registration, as seen lately. */
  readonly boot?: BootTimes | undefined;
  readonly utility?: number | undefined;
  readonly minPricePerUtility?: number | undefined;
  readonly maxPricePerUtility?: number | undefined;
  /** The price of an instance now; absent when it is unknown. */
  readonly usdPerHour?: number | undefined;
  /** How often an instance is taken away, as seen lately. */
  readonly interruptionsPerHour?: number | undefined;
}

export interface BootTimes {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

export interface WorkerFacts extends WorkerName {
  readonly launchConfigId?: string | undefined;
  readonly state: 'requested' | 'running' | 'stopping';
  readonly capacity: number;
  readonly runningTasks: number;
  readonly createdAtMs: number;
  /** Since when it runs nothing; absent while it does, and before it has registered. */
  readonly idleSinceMs?: number | undefined;
  /** When its life ends whatever it does; absent when nothing ends it. */
  readonly endsAtMs?: number | undefined;
  /** An operator keeps it from work. */
  readonly isQuarantined: boolean;
  /** An earlier decision keeps it from work: it goes with its last task. */
  readonly isDraining: boolean;
  /** The reply when it asks whether it should end. */
  readonly mayLeave: boolean;
}

export interface WorkerName {
  readonly workerGroup: string;
  readonly workerId: string;
}

/** The inputs of a decision besides facts, so that the same inputs give the same decision. */
export interface Moment {
  readonly nowMs: number;
  /** Numbers from 0 up to 1. */
  readonly random: () => number;
}
