import { sum } from './decision.ts';
import type { PoolFacts, WorkerFacts } from './facts.ts';

/** Capacities of a pool, as the original counts them. */
export interface Tally {
  /** Of workers that are requested or running and take tasks. */
  readonly existing: number;
  /** The part of it that has not registered yet. */
  readonly requested: number;
  /** Of workers that are about to end. */
  readonly stopping: number;
  readonly pending: number;
  readonly claimed: number;
  /** Places that a task could be put into now. */
  readonly free: number;
  /** Capacity that takes no more tasks, and could be told to. */
  readonly draining: number;
}

export const takesTasks = (worker: WorkerFacts): boolean =>
  worker.state !== 'stopping' && !worker.isQuarantined && !worker.isDraining;

/** Tells workers whose launch config the pool no longer has. */
export const archivedIn = ({ launchConfigs }: PoolFacts): ((worker: WorkerFacts) => boolean) => {
  const active = new Set(launchConfigs.map(({ launchConfigId }) => launchConfigId));
  return ({ launchConfigId }) => launchConfigId !== undefined && !active.has(launchConfigId);
};

/**
 * Counts a pool. Quarantined workers are left out, as in the original; draining ones, which only we have, count as
 * stopping.
 */
export const tally = ({ workers, pending, claimed }: PoolFacts): Tally => {
  let [existing, requested, stopping, free, draining] = [0, 0, 0, 0, 0];
  for (const worker of workers) {
    if (worker.state === 'stopping') stopping += worker.capacity;
    else if (worker.isDraining) {
      stopping += worker.capacity;
      draining += worker.capacity;
    } else if (!worker.isQuarantined) {
      existing += worker.capacity;
      if (worker.state === 'requested') requested += worker.capacity;
      else free += Math.max(0, worker.capacity - worker.runningTasks);
    }
  }
  const waiting = sum(pending, ({ count }) => count);
  return { existing, requested, stopping, pending: waiting, claimed, free, draining };
};
