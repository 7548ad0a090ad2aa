import { type BaseContext, batched, later, together } from '../base/index.ts';
import type { RunRef } from './schema.ts';
import * as store from './store.ts';

/** A worker that asked for work, claimed or reclaimed; `claimed` lists its newly claimed runs. */
export interface Sighting extends store.WorkerRef {
  readonly claimed?: readonly RunRef[];
}

export interface SightingSettings {
  /** One process writes a worker or task queue without new claims at most once in this time. */
  readonly sightingEveryMs: number;
  /** A record is kept this long after the worker was seen last. */
  readonly recordKeptMs: number;
}

/** A sighting that is to be written. */
interface DueSighting {
  readonly sighting: Sighting;
  readonly queueIsDue: boolean;
}

// Reached only when the database no longer keeps up. No rule depends on every sighting being written.
const inFlightMax = 20_000;

/**
 * Writes sightings in the background. Those that arrive during a write form the next one.
 */
export const createSightings = (deps: BaseContext, settings: SightingSettings) => {
  const { clock, log } = deps;
  const queuesSeen = recentKeys(settings.sightingEveryMs);
  const workersSeen = recentKeys(settings.sightingEveryMs);
  const inFlight = new Set<Promise<void>>();

  const record = batched(deps, 'see-workers', async (tx, due: readonly DueSighting[], { now }) => {
    const seen = { now, expires: later(now, settings.recordKeptMs) };
    const queues = due.filter((item) => item.queueIsDue).map((item) => item.sighting.taskQueueId);
    await together(
      store.seeTaskQueues(tx, [...new Set(queues)], seen),
      store.seeWorkers(tx, oncePerWorker(due), seen),
    );
    return due.map(() => undefined);
  });

  const write = async (item: DueSighting): Promise<void> => {
    try {
      await record.one(item);
    } catch (err) {
      const { sighting } = item;
      queuesSeen.forget(sighting.taskQueueId);
      workersSeen.forget(keyOf(sighting));
      log.warn({ err, worker: keyOf(sighting) }, 'a sighting of a worker was not written');
    }
  };

  const see = (sighting: Sighting): void => {
    if (inFlight.size >= inFlightMax) return;
    const now = clock.now();
    const queueIsDue = queuesSeen.mark(sighting.taskQueueId, now);
    const workerIsDue = workersSeen.mark(keyOf(sighting), now);
    if (!queueIsDue && !workerIsDue && !sighting.claimed?.length) return;
    const written: Promise<void> = write({ sighting, queueIsDue }).finally(() => inFlight.delete(written));
    inFlight.add(written);
  };

  return {
    /** Records workers as active. Returns at once and never fails. */
    seeWorkers: (sightings: readonly Sighting[]): void => sightings.forEach(see),
    /** Resolves when all workers recorded so far in this process have been written. */
    settle: async (): Promise<void> => {
      await Promise.all(inFlight);
    },
  };
};

export type Sightings = ReturnType<typeof createSightings>;

/** The worker as one string, as in scopes. */
export const keyOf = ({ taskQueueId, workerGroup, workerId }: store.WorkerRef): string =>
  `${taskQueueId}/${workerGroup}/${workerId}`;

/** One entry for each worker, with all its claims, newest first. */
const oncePerWorker = (due: readonly DueSighting[]): store.SeenWorker[] => {
  const workers = new Map<string, store.WorkerRef & { claimed: string[] }>();
  for (const { sighting } of due) {
    const key = keyOf(sighting);
    const worker = workers.get(key) ?? { ...sighting, claimed: [] };
    worker.claimed.unshift(...(sighting.claimed ?? []).map((run) => `${run.taskId}/${run.runId}`).reverse());
    workers.set(key, worker);
  }
  return [...workers.values()];
};

/**
 * Remembers keys for a period. A map keeps the order of insertion, so the oldest are removed from its front.
 */
const recentKeys = (periodMs: number) => {
  const marked = new Map<string, number>();
  const forgetOld = (now: number): void => {
    for (const [key, markedAt] of marked) {
      // A mark in the future was made before the clock was set back. It would keep those behind it for as long.
      if (markedAt > now - periodMs && markedAt <= now) return;
      marked.delete(key);
    }
  };
  return {
    /** Marks a key; false when it has been marked within the period. */
    mark: (key: string, now: Date): boolean => {
      forgetOld(now.getTime());
      if (marked.has(key)) return false;
      marked.set(key, now.getTime());
      return true;
    },
    forget: (key: string): void => {
      marked.delete(key);
    },
  };
};
