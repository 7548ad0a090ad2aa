import { type Clock, type Signal, seconds } from '../base/index.ts';
import type { PurgeRequest } from './store.ts';

/** For so long an answer is good without another look: a wake-up may be lost. */
const knownMs = seconds(10);
const poolsMax = 10_000;

interface Known {
  readonly requests: Promise<readonly PurgeRequest[]>;
  readonly readAt: Date;
}

export interface KnownRequests {
  /** The open requests of a pool, as they were some seconds ago at the earliest. */
  of(workerPoolId: string): Promise<readonly PurgeRequest[]>;
}

/** Keeps in memory what pools have to purge: each worker asks before each task, and mostly there is nothing. */
export const knownRequests = (
  { clock, changed }: { readonly clock: Clock; readonly changed: Signal },
  read: (workerPoolId: string) => Promise<readonly PurgeRequest[]>,
): KnownRequests => {
  const known = new Map<string, Known>();
  changed.each((workerPoolIds) => {
    if (workerPoolIds.length === 0) known.clear();
    for (const workerPoolId of workerPoolIds) known.delete(workerPoolId);
  });
  const learn = (workerPoolId: string): Known => {
    const fresh = { requests: read(workerPoolId), readAt: clock.now() };
    known.delete(workerPoolId);
    known.set(workerPoolId, fresh);
    // A map keeps the order of insertion: the one that was read longest ago makes room.
    if (known.size > poolsMax) known.delete(known.keys().next().value as string);
    fresh.requests.catch(() => {
      if (known.get(workerPoolId) === fresh) known.delete(workerPoolId);
    });
    return fresh;
  };
  return {
    of: (workerPoolId) => {
      const there = known.get(workerPoolId);
      const ageMs = there ? clock.now().getTime() - there.readAt.getTime() : knownMs;
      // What was read in the future was read before the clock was set back.
      return (there && ageMs >= 0 && ageMs < knownMs ? there : learn(workerPoolId)).requests;
    },
  };
};
