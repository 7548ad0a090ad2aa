import { days, hours, later, minutes, seconds, transact } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import { limitsOf } from '../lifecycle.ts';
import type { LaunchOrder, LaunchOutcome, ProviderError, StartedWorker } from '../providers/provider.ts';
import * as store from '../store/index.ts';
import { failureOf, keepErrors, oneOfEachSort, type PoolFailure, tellOwner } from './errors.ts';
import type { Configuration } from './launch-configs.ts';

/** After this time other processes take over the orders of a process that has ended. */
const leaseMs = seconds(20);
const leaseRenewedEveryMs = seconds(5);
/** After this time an order is given up: workers that it may have started are swept as strays. */
const givenUpAfterMs = hours(1);
const retryMinMs = seconds(10);
const retryMaxMs = minutes(5);
/** How long records of workers are kept; sweeps prolong them. */
const workerKeptMs = days(7);

type Unknown = Extract<LaunchOutcome, { readonly outcome: 'unknown' }>;
type Known = Exclude<LaunchOutcome, Unknown>;
const isUnknown = (outcome: LaunchOutcome): outcome is Unknown => 'outcome' in outcome;

/**
 * Lets a provider carry out at most this many orders; returns how many. Whatever happens in between, an order is
 * open until its outcome is written, and is tried again with its token.
 */
export const launchWorkers = async (context: Context, providerId: string, limit: number): Promise<number> => {
  // No worker could register yet.
  if (context.rootUrl() === '') return 0;
  const now = context.clock.now();
  const rows = await store.takeLaunches(context.db, { now, until: later(now, leaseMs), providerId, limit });
  if (rows.length === 0) return 0;
  const ids = [...new Set(rows.map(({ workerPoolId }) => workerPoolId))];
  const pools = new Map((await store.findPools(context.db, ids)).map((pool) => [pool.workerPoolId, pool]));
  const orders = rows.map((row): Order => ({ row, pool: pools.get(row.workerPoolId) }));
  const isHopeless = ({ row, pool }: Order): boolean =>
    !pool || row.configuration === null || now.getTime() - row.decided.getTime() > givenUpAfterMs;
  // Of an order that was never tried it is certain that nothing came of it.
  const isHeldBack = ({ row, pool }: Order): boolean => row.attempts === 1 && Boolean(pool?.paused);
  for (const order of orders.filter(isHopeless)) await abandon(context, order);
  const held = orders.filter((order) => isHeldBack(order) && !isHopeless(order));
  for (const order of held) await store.endLaunch(context.db, neverTried(order));
  const hopeful = orders.filter((order) => !isHopeless(order) && !isHeldBack(order));
  if (hopeful.length > 0) await carryOut(context, providerId, hopeful);
  return rows.length;
};

interface Order {
  readonly row: store.LaunchRow;
  readonly pool: store.PoolRow | undefined;
}

const neverTried = ({ row }: Order): store.EndedLaunch => ({
  token: row.token,
  outcome: 'abandoned',
  started: 0,
  trouble: 'The pool was paused before the provider was asked.',
});

const carryOut = async (context: Context, providerId: string, orders: readonly Order[]): Promise<void> => {
  const { machines } = context.providers.get(providerId) ?? {};
  if (!machines) return;
  const asked = whileHeld(context, orders, machines.launch(orders.map(orderOf)));
  const outcomes = await asked.catch((error: unknown) => {
    context.log.warn({ err: error, providerId }, 'a provider could not start workers');
    const unknown = unknownSince(error);
    return orders.map(({ row }): Unknown => ({ token: row.token, outcome: 'unknown', error: unknown }));
  });
  const byToken = new Map(outcomes.map((outcome) => [outcome.token, outcome]));
  for (const order of orders) {
    const outcome = byToken.get(order.row.token);
    if (outcome && !isUnknown(outcome)) await finish(context, order, outcome);
    else await putOff(context, order, outcome);
  }
};

/** Keeps orders from others for as long as a provider takes to answer. */
const whileHeld = async <T>(
  { db, clock, log }: Context,
  orders: readonly Order[],
  asked: Promise<T>,
): Promise<T> => {
  const tokens = orders.map(({ row }) => row.token);
  const answered = new AbortController();
  const hold = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(leaseRenewedEveryMs, answered.signal);
      if (answered.signal.aborted) return;
      await store.holdLaunches(db, tokens, later(clock.now(), leaseMs));
    }
  };
  // Asking a provider twice only costs time.
  hold().catch((err: unknown) => log.warn({ err }, 'orders could not be kept from others'));
  try {
    return await asked;
  } finally {
    answered.abort();
  }
};

const unknownSince = (error: unknown): ProviderError => ({
  kind: 'creation-error',
  title: 'The provider could not be asked',
  description: error instanceof Error ? error.message : String(error),
  code: (error as { name?: string } | null)?.name ?? 'Error',
  isPassing: true,
});

const orderOf = ({ row, pool }: Order): LaunchOrder => ({
  token: row.token,
  workerPoolId: row.workerPoolId,
  launchConfigId: row.launchConfigId,
  configuration: JSON.parse(row.configuration ?? '{}') as Configuration,
  count: row.count,
  capacityPerInstance: row.capacityPerInstance,
  owner: pool?.owner ?? '',
  decided: row.decided,
  attempt: row.attempts,
});

/** Writes the outcome of an order: its workers, and the end of the order, together. */
const finish = (context: Context, { row, pool }: Order, { workers, errors }: Known): Promise<void> =>
  transact(context, async (tx, now) => {
    const outcome = workers.length >= row.count ? 'done' : workers.length > 0 ? 'partial' : 'failed';
    const trouble = errors.map(({ title, code }) => `${title} (${code})`).join('; ') || null;
    const isOurs = await store.endLaunch(tx, { token: row.token, outcome, started: workers.length, trouble });
    if (!isOurs || !pool) return;
    const added = await store.insertWorkers(
      tx,
      workers.map((worker) => newWorker(row, pool, { worker, now })),
      now,
    );
    await outbox.append(
      tx,
      added.map((worker) => events.workerRequested(worker, now)),
      now,
    );
    await tellOfErrors(context, tx, { pool, launchConfigId: row.launchConfigId, errors, now });
  });

const newWorker = (
  row: store.LaunchRow,
  pool: store.PoolRow,
  { worker, now }: { worker: StartedWorker; now: Date },
): store.NewWorker => ({
  workerPoolId: row.workerPoolId,
  workerGroup: worker.workerGroup,
  workerId: worker.workerId,
  providerId: row.providerId,
  launchConfigId: row.launchConfigId,
  state: 'requested',
  capacity: worker.capacity ?? row.capacityPerInstance,
  expires: later(now, workerKeptMs),
  terminateAfter: later(now, limitsOf(JSON.parse(pool.config) as Configuration).registrationMs),
  staticSecretDigest: worker.secretDigest ?? null,
  facts: worker.facts,
});

/** Leaves an order open for another attempt. Its owner hears of the first failure only, and of the end. */
const putOff = async (
  context: Context,
  { row, pool }: Order,
  outcome: Unknown | undefined,
): Promise<void> => {
  const now = context.clock.now();
  const waitMs = outcome?.retryAfterMs ?? Math.min(retryMaxMs, retryMinMs * 2 ** (row.attempts - 1));
  const error = outcome?.error ?? unknownSince(new Error('It did not say what became of the order.'));
  const trouble = `${error.title} (${error.code})`;
  await store.putOffLaunch(context.db, { token: row.token, trouble, retryAt: later(now, waitMs) });
  if (row.attempts > 1 || !pool) return;
  await transact(context, (tx) =>
    tellOfErrors(context, tx, { pool, launchConfigId: row.launchConfigId, errors: [error], now }),
  );
};

const abandon = (context: Context, { row, pool }: Order): Promise<void> =>
  transact(context, async (tx, now) => {
    const trouble = pool ? 'It could not be found out in time what became of it.' : 'The pool is gone.';
    const isOurs = await store.endLaunch(tx, { token: row.token, outcome: 'abandoned', started: 0, trouble });
    if (!isOurs || !pool) return;
    const error: ProviderError = {
      kind: 'creation-error',
      title: 'Workers could not be started in time',
      description: `The order for ${row.count} workers of ${row.launchConfigId} was given up. ${trouble}`,
      code: 'Abandoned',
    };
    await tellOfErrors(context, tx, { pool, launchConfigId: row.launchConfigId, errors: [error], now });
  });

interface Told {
  readonly pool: store.PoolRow;
  readonly launchConfigId: string | null;
  readonly errors: readonly ProviderError[];
  readonly now: Date;
}

/** Keeps errors of a provider, and mails each sort of them once. */
const tellOfErrors = async (
  context: Context,
  tx: Parameters<typeof keepErrors>[0],
  { pool, launchConfigId, errors, now }: Told,
): Promise<void> => {
  const failures = errors.map((error): PoolFailure => ({ ...failureOf(error), launchConfigId }));
  const kept = await keepErrors(tx, { pool, failures }, now);
  await tellOwner(context, tx, { pool, errors: oneOfEachSort(kept) });
};
