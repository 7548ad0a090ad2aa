import { later, seconds, type Transaction, transact } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import { keyOf, transitions } from '../lifecycle.ts';
import type { WorkerToEnd } from '../providers/provider.ts';
import * as store from '../store/index.ts';
import { recordWorkers } from './audit.ts';
import { hasMachines } from './lookups.ts';
import { loseClaims } from './lost-claims.ts';

/** A provider whose worker still runs this long after it was told to end it is told again. */
const endAgainMs = seconds(60);

/** A worker that is to end, and why. */
export interface Ending {
  readonly ref: store.WorkerToMove;
  readonly reason: string;
}

/** Notes that workers are to end by their provider, and says so; returns those of which that was new. */
export const stopping = async (
  tx: Transaction,
  endings: readonly Ending[],
  now: Date,
): Promise<store.WorkerRow[]> => {
  const reasons = new Map(endings.map(({ ref, reason }) => [keyOf(ref), reason]));
  const refs = endings.map(({ ref }) => ref);
  const rows = await store.moveToEnd(tx, refs, transitions.end, now);
  const messages = rows.map((row) => events.workerRemoved(row, reasons.get(keyOf(row)) ?? 'removed', now));
  await outbox.append(tx, messages, now);
  return rows;
};

/** Notes that workers are gone, and says so; returns those of which that was new. */
export const stopped = async (
  tx: Transaction,
  refs: readonly store.WorkerToMove[],
  now: Date,
): Promise<store.WorkerRow[]> => {
  const rows = await store.moveToEnd(tx, refs, transitions.vanish, now);
  await outbox.append(
    tx,
    rows.map((row) => events.workerStopped(row, now)),
    now,
  );
  return rows;
};

/** Why workers are to end, and the client that wants it, if there is one. */
export interface Removal {
  readonly reason: string;
  readonly clientId?: string | undefined;
}

/** A worker that is to be removed, and by whom it was started. */
export type WorkerToRemove = store.WorkerToMove & { readonly providerId: string };

/**
 * Removes workers, and ends their claims so that the runs are retried; returns the removed ones. Those that a provider
 * has started end when it has ended them; of the others nothing is left to be done. Safe to repeat.
 */
export const removeWorkers = async (
  context: Context,
  workers: readonly WorkerToRemove[],
  removal: Removal,
): Promise<store.WorkerRow[]> => {
  const removed = await transact(context, (tx, now) =>
    noteRemoval(context, { tx, now }, { workers, removal }),
  );
  // A second call may come after this process has ended in between.
  const isGone = new Set(removed.map(keyOf));
  await loseClaims(
    context,
    workers.filter((worker) => worker.judged === undefined || isGone.has(keyOf(worker))),
  );
  return removed;
};

/** Writes that workers end; returns those that did. */
export const noteRemoval = async (
  context: Context,
  { tx, now }: { tx: Transaction; now: Date },
  { workers, removal }: { workers: readonly WorkerToRemove[]; removal: Removal },
): Promise<store.WorkerRow[]> => {
  const { reason, clientId } = removal;
  const ours = workers.filter(({ providerId }) => hasMachines(context, providerId));
  const others = workers.filter(({ providerId }) => !hasMachines(context, providerId));
  const stoppingNow = await stopping(
    tx,
    ours.map((ref) => ({ ref, reason })),
    now,
  );
  const gone = await store.moveToEnd(tx, others, transitions.vanish, now);
  const messages = gone.flatMap((worker) => [
    events.workerRemoved(worker, reason, now),
    events.workerStopped(worker, now),
  ]);
  await outbox.append(tx, messages, now);
  const removed = [...stoppingNow, ...gone];
  await recordWorkers(context, tx, { workers: removed, clientId, change: 'deleted', now });
  tx.afterCommit(() => {
    context.changed.wake();
    if (removed.length > 0) context.poolsTouched.wake(poolsOf(removed));
  });
  return removed;
};

/** The pools of some workers, each once. */
export const poolsOf = (workers: readonly store.WorkerRef[]): string[] => [
  ...new Set(workers.map(({ workerPoolId }) => workerPoolId)),
];

/** Has a provider end at most this many workers that are to end; returns how many. */
export const endWorkers = async (context: Context, providerId: string, limit: number): Promise<number> => {
  const now = context.clock.now();
  const again = later(now, -endAgainMs);
  const workers = await store.takeWorkersToEnd(context.db, { now, again, providerId, limit });
  if (workers.length > 0) await terminate(context, providerId, workers);
  return workers.length;
};

/** Has a provider end workers. What fails is tried again, later. */
export const terminate = async (
  { providers, log }: Pick<Context, 'providers' | 'log'>,
  providerId: string,
  workers: readonly WorkerToEnd[],
): Promise<void> => {
  try {
    await providers.get(providerId)?.machines?.terminate(workers);
  } catch (err) {
    log.warn({ err, providerId, workers: workers.length }, 'workers could not be ended');
  }
};
