import { hours, later, minutes } from '../base/index.ts';
import type { Context } from './context.ts';
import { keyOf } from './lifecycle.ts';
import * as store from './store/index.ts';

/** Names a worker as its credentials do. */
export const clientIdOf = (worker: store.WorkerRef & { readonly providerId: string }): string =>
  `worker/${worker.providerId}/${keyOf(worker)}`;

/** How often workers whose credentials have expired are forgotten. */
const readWholeEveryMs = hours(1);
/** How far the clock of another process, and the length of its transactions, may be off. */
const overlapMs = minutes(2);

const isSame = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  one.size === other.size && [...one].every((name) => other.has(name));

/**
 * Workers that get no more work, in memory, since every claim and every signature reads them: those that have ended
 * or expired while their credentials are still valid, and those that end with their last task.
 */
export const createBarred = ({ db, clock, barredKnown }: Pick<Context, 'db' | 'clock' | 'barredKnown'>) => {
  let draining = new Set<string>();
  let ended = new Set<string>();
  let revoked = new Set<string>();
  /** Of workers whose record has expired: an operator may still give it another date. */
  let expired = new Set<string>();
  let readAt = new Date(0);
  let wholeAt = new Date(0);
  return {
    /** Reads the decisions of all processes since the last read. */
    load: async (): Promise<void> => {
      const now = clock.now();
      // After the clock was set back, the times of the last reads say nothing.
      const isWhole = now.getTime() - wholeAt.getTime() >= readWholeEveryMs || now < readAt;
      const since = isWhole ? new Date(0) : later(readAt, -overlapMs);
      const [endedRows, drainingRows] = await Promise.all([
        store.endedWorkers(db, { now, since }),
        store.drainingWorkers(db),
      ]);
      const before = { ended, draining };
      const expiredRows = endedRows.filter(({ isExpired }) => isExpired);
      const goneRows = endedRows.filter(({ isExpired }) => !isExpired);
      const endedNow = goneRows.map(keyOf);
      if (isWhole) {
        ended = new Set();
        revoked = new Set();
        wholeAt = now;
      }
      const isNew = endedNow.some((name) => !before.ended.has(name));
      for (const name of endedNow) ended.add(name);
      for (const row of goneRows) revoked.add(clientIdOf(row));
      expired = new Set(expiredRows.map(clientIdOf));
      draining = new Set([...drainingRows, ...expiredRows].map(keyOf));
      readAt = now;
      if (isNew || !isSame(before.draining, draining)) barredKnown.wake();
    },
    /** Whether a worker gets no work. */
    isBarred: (workerPoolId: string, workerGroup: string, workerId: string): boolean => {
      if (ended.size === 0 && draining.size === 0) return false;
      const name = keyOf({ workerPoolId, workerGroup, workerId });
      return ended.has(name) || draining.has(name);
    },
    /** Whether these are the credentials of a worker that has ended. */
    isRevoked: (clientId: string): boolean => revoked.has(clientId) || expired.has(clientId),
  };
};

export type Barred = ReturnType<typeof createBarred>;
