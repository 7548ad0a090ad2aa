import { type Clock, type Database, localSignal } from '../base/index.ts';
import { keyOf } from './sightings.ts';
import * as store from './store.ts';

/**
 * The quarantined workers, in memory, since every claim asks for them and they are few. A quarantine of this process takes
 * effect at once, one of another process after the next load.
 */
export const createQuarantines = ({ db, clock }: { db: Database; clock: Clock }) => {
  let untilOf = new Map<string, Date>();
  let changes = 0;
  const known = localSignal();

  const load = async (): Promise<void> => {
    // A read from before a change of our own lacks that change, so it is repeated.
    for (let changesBefore = -1; changesBefore !== changes; ) {
      changesBefore = changes;
      const rows = await store.quarantinedWorkers(db, clock.now());
      if (changesBefore !== changes) continue;
      untilOf = new Map(rows.map((row) => [keyOf(row), row.quarantineUntil]));
    }
    known.wake();
  };

  return {
    /** Reads the quarantines of all processes again. */
    load,
    /** Adds a quarantine that this process has just written. */
    note: (worker: store.WorkerRef, until: Date): void => {
      changes++;
      untilOf.set(keyOf(worker), until);
      known.wake();
    },
    /** Woken whenever this process learns of quarantines, its own or those of others. */
    known,
    /** When the quarantine of a worker ends; undefined when it may work. */
    quarantinedUntil: (taskQueueId: string, workerGroup: string, workerId: string): Date | undefined => {
      if (untilOf.size === 0) return undefined;
      const until = untilOf.get(keyOf({ taskQueueId, workerGroup, workerId }));
      return until && until > clock.now() ? until : undefined;
    },
  };
};

export type Quarantines = ReturnType<typeof createQuarantines>;
