import { days, later, minutes, type Transaction, transact } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { keyOf } from '../lifecycle.ts';
import type { Machines, Stray, Sweep, SweptWorker } from '../providers/provider.ts';
import * as store from '../store/index.ts';
import { failureOf, keepFailuresById, neverRegisteredFailure, noCapacityFailure } from './errors.ts';
import { loseClaims } from './lost-claims.ts';
import { poolsOf, stopped, stopping, terminate } from './removal.ts';

/** A sweep that has not ended after this time is repeated by another process. */
const leaseMs = minutes(3);
const recordEndsSoonMs = days(7);
const recordLastsMs = days(8);

/** Compares the workers of a provider with its machines, if it is time; returns how many were compared. */
export const sweep = async (
  context: Context,
  providerId: string,
  { isAtOnce }: { isAtOnce: boolean },
): Promise<number> => {
  const { machines } = context.providers.get(providerId) ?? {};
  if (!machines) return 0;
  const name = `sweep:${providerId}`;
  const began = context.clock.now();
  const lease = later(began, leaseMs);
  const taken = await transact(context, (tx) =>
    store.takeRounds(tx, [name], { isAtOnce, now: began, until: lease, limit: 1 }),
  );
  if (taken.length === 0) return 0;
  try {
    return await look(context, providerId, machines);
  } finally {
    await store.endRound(context.db, name, { lease, due: context.clock.now() });
  }
};

const look = async (context: Context, providerId: string, machines: Machines): Promise<number> => {
  const known = await store.aliveWorkersOfProvider(context.db, providerId);
  const seen = await machines.sweep(known);
  const strays = await trueStrays(context, seen.strays);
  const lost = await transact(context, (tx, now) => note(context, tx, { known, seen, now }));
  await loseClaims(context, lost);
  if (strays.length > 0) {
    context.log.warn(
      { providerId, strays: strays.map(keyOf) },
      'workers run that nobody knows; they are ended',
    );
    await terminate(context, providerId, strays);
  }
  return known.length;
};

/** What runs though no order for it is open and no worker known. Orders are asked for first: one that ends in between
 * has its workers written by then. */
const trueStrays = async ({ db }: Context, strays: readonly Stray[]): Promise<Stray[]> => {
  if (strays.length === 0) return [];
  const open = new Set((await store.openTokens(db)).map(({ token }) => token));
  const known = new Set((await store.knownAlive(db, strays)).map(keyOf));
  return strays.filter(
    (stray) => !known.has(keyOf(stray)) && (stray.token === undefined || !open.has(stray.token)),
  );
};

interface Seen {
  readonly known: readonly store.WorkerRow[];
  readonly seen: Sweep;
  readonly now: Date;
}

/** Writes the result of a sweep; returns the workers that are gone, with what they had claimed. */
const note = async (
  context: Context,
  tx: Transaction,
  { known, seen, now }: Seen,
): Promise<readonly store.WorkerRef[]> => {
  const rows = new Map(known.map((row) => [keyOf(row), row]));
  const inState = (state: SweptWorker['state']) => seen.workers.filter((worker) => worker.state === state);
  const there = [...inState('running'), ...inState('stopping')];
  await store.touchWorkers(
    tx,
    there.map(({ facts = null, workerPoolId, workerGroup, workerId }) => ({
      workerPoolId,
      workerGroup,
      workerId,
      facts,
    })),
    { now, soon: later(now, recordEndsSoonMs), expires: later(now, recordLastsMs) },
  );
  const endings = inState('stopping').map((ref) => ({ ref, reason: ref.reason ?? 'ended by its provider' }));
  const ending = endings.length > 0 ? await stopping(tx, endings, now) : [];
  if (ending.length > 0) tx.afterCommit(() => context.poolsTouched.wake(poolsOf(ending)));
  // A worker that registers while the provider is asked exists: the next sweep decides about it.
  const vanished = inState('gone').map((worker) => ({ ...worker, judged: rows.get(keyOf(worker)) }));
  const gone = await stopped(tx, vanished, now);
  const interrupted = seen.workers.filter(({ isInterrupted }) => isInterrupted);
  if (interrupted.length > 0) await store.noteInterrupted(tx, interrupted, now);
  const isGone = new Set(gone.map(keyOf));
  const neverRegistered = vanished.filter(
    (worker) => worker.judged?.state === 'requested' && isGone.has(keyOf(worker)),
  );
  await keepFailuresOf(context, tx, { seen, neverRegistered, rows, now });
  if (gone.length > 0) {
    // Others may be needed in their place.
    tx.afterCommit(() => context.poolsChanged.wake(poolsOf(gone)));
  }
  return gone;
};

interface Failures {
  readonly seen: Sweep;
  readonly neverRegistered: readonly SweptWorker[];
  readonly rows: ReadonlyMap<string, store.WorkerRow>;
  readonly now: Date;
}

/** Workers that ended before they registered count against their launch config. */
const keepFailuresOf = async (
  context: Context,
  tx: Transaction,
  { seen, neverRegistered, rows, now }: Failures,
): Promise<void> => {
  const failures = [
    ...(seen.errors ?? []).map((error) => ({ ...failureOf(error), workerPoolId: error.workerPoolId })),
    ...neverRegistered.map(({ reason, isShortage, ...ref }) => {
      const launchConfigId = rows.get(keyOf(ref))?.launchConfigId;
      const worker = { ...ref, launchConfigId };
      return isShortage
        ? noCapacityFailure(worker, reason)
        : neverRegisteredFailure(worker, 'Worker ended before it registered', reason);
    }),
  ];
  await keepFailuresById(context, tx, failures, now);
};
