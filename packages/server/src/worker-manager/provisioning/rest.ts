import { wantsMore } from './decide.ts';
import type { Decision } from './decision.ts';
import type { PoolFacts, WorkerFacts } from './facts.ts';
import { nextPeriodEndMs } from './scale-in.ts';
import { floorOf, nextWarmChangeMs, type ScaleIn } from './scaling.ts';
import { takesTasks, tally } from './tally.ts';

/**
 * Until when a pool may be left alone, in milliseconds since 1970: as long as nothing happens to it and its settings stay,
 * it would be decided to wait. Undefined when there is something to do now, or may be at any time.
 */
export const restsUntil = (
  facts: PoolFacts,
  decisions: readonly Decision[],
  nowMs: number,
): number | undefined => {
  const { scaling, workers, pending } = facts;
  if (decisions.some(({ action }) => action !== 'wait')) return undefined;
  // Tasks come nearer to the aim as they wait.
  if (scaling.aimedPendingMs !== undefined && pending.length > 0) return undefined;
  if (isHeldUp(facts, nowMs)) return undefined;
  const { scaleIn } = scaling;
  return Math.min(
    nextWarmChangeMs(scaling, nowMs),
    ...(scaleIn ? workers.map((worker) => mayEndMs(worker, scaleIn, nowMs)) : []),
  );
};

/** Whether more would be started if prices fell, errors were forgotten, or a cloud had capacity again. */
const isHeldUp = (facts: PoolFacts, nowMs: number): boolean =>
  (facts.pending.length > 0 ||
    tally(facts).existing < floorOf(facts.scaling, nowMs).capacity ||
    // Free places that are kept for an aim are wanted also when no task waits.
    wantsMore(facts, { nowMs })) &&
  facts.launchConfigs.some(
    ({ isShort = false, errorsLately, maxPricePerUtility }) =>
      isShort || errorsLately > 0 || maxPricePerUtility !== undefined,
  );

/** When it is next to be asked whether a worker is idle for long enough to end. */
const mayEndMs = (worker: WorkerFacts, scaleIn: ScaleIn, nowMs: number): number => {
  if (worker.idleSinceMs === undefined || !takesTasks(worker)) return Number.POSITIVE_INFINITY;
  const idleEnoughMs = worker.idleSinceMs + scaleIn.idleMs;
  return idleEnoughMs > nowMs ? idleEnoughMs : nextPeriodEndMs(worker, scaleIn, nowMs);
};
