import { aboutWorker, type Decision } from './decision.ts';
import type { PoolFacts } from './facts.ts';
import { archivedIn, type Tally, takesTasks } from './tally.ts';

/**
 * Whom the original tells to go when they ask: workers whose launch config is archived; and, the newest being needed
 * first, those beyond the capacity for all tasks. Returns only what is not said yet.
 */
export const overCapacity = (facts: PoolFacts, floor: number, tally: Tally): Decision[] => {
  const { scaling, workers } = facts;
  const demand = (tally.pending + tally.claimed) * scaling.scalingRatio;
  const target = Math.max(floor, Math.min(demand, scaling.maxCapacity));
  const isArchived = archivedIn(facts);
  const running = workers.filter((worker) => worker.state === 'running' && takesTasks(worker));
  const newestFirst = running
    .filter((worker) => !isArchived(worker))
    .sort((a, b) => b.createdAtMs - a.createdAtMs);
  const decisions: Decision[] = [];
  let needed = 0;
  for (const worker of newestFirst) {
    if (needed < target) {
      needed += worker.capacity;
      if (worker.mayLeave) {
        decisions.push(aboutWorker('stay', worker, `Needed again: ${Math.ceil(target)} places are wanted.`));
      }
    } else if (!worker.mayLeave) {
      const reason = `Over capacity: newer workers have the ${Math.ceil(target)} places that are wanted.`;
      decisions.push(aboutWorker('may-leave', worker, reason));
    }
  }
  for (const worker of running) {
    if (isArchived(worker) && !worker.mayLeave)
      decisions.push(aboutWorker('may-leave', worker, 'Its launch config is archived.'));
  }
  return decisions;
};
