import { days, hours, later, minutes, seconds, type Transaction, transact } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import { limitsOf } from '../lifecycle.ts';
import type { LaunchOrder, LaunchOutcome, ProviderError, StartedWorker } from '../providers/provider.ts';
import * as store from '../store/index.ts';
import { type FailureOfPool, failureOf, keepFailures } from './errors.ts';
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
  const rows = await store.takeLaunches(context.db, {
    now,
    until: later(now, leaseMs),
    waitMaxMs: givenUpAfterMs,
    providerId,
    limit,
  });
  if (rows.length === 0) return 0;
  const ids = [...new Set(rows.map(({ workerPoolId }) => workerPoolId))];
  const pools = new Map((await store.findPools(context.db, ids)).map((pool) => [pool.workerPoolId, pool]));
  const orders = rows.map((row): Order => ({ row, pool: pools.get(row.workerPoolId) }));
  const isHopeless = ({ row, pool }: Order): boolean =>
    !pool || row.configuration === null || now.getTime() - row.decided.getTime() > givenUpAfterMs;
  const closed = orders.flatMap((order) => {
    if (isHopeless(order)) return [abandoned(order)];
    const why = heldBackBy(order);
    return why === undefined ? [] : [neverTried(order, why)];
  });
  if (closed.length > 0) await closeOrders(context, closed);
  const isClosed = new Set(closed.map(({ order }) => order));
  const hopeful = orders.filter((order) => !isClosed.has(order));
  if (hopeful.length > 0) await carryOut(context, providerId, hopeful);
  return rows.length;
};

/** Why an order is not carried out any more. Only of one that was never tried it is certain that nothing came of it. */
const heldBackBy = ({ row, pool }: Order): string | undefined => {
  if (row.attempts > 1 || !pool) return undefined;
  if (pool.paused) return 'The pool was paused before the provider was asked.';
  const isOld = row.isArchived || pool.providerId !== row.providerId;
  return isOld ? 'The pool was changed, and no longer has the launch config.' : undefined;
};

interface Order {
  readonly row: store.LaunchRow;
  readonly pool: store.PoolRow | undefined;
}

/** What became of an order, for good. */
interface Closed {
  readonly order: Order;
  readonly outcome: store.EndedLaunch['outcome'];
  readonly trouble: string | null;
  readonly workers: readonly StartedWorker[];
  readonly errors: readonly ProviderError[];
}

const neverTried = (order: Order, trouble: string): Closed => ({
  order,
  outcome: 'abandoned',
  trouble,
  workers: [],
  errors: [],
});

const abandoned = (order: Order): Closed => {
  const { row, pool } = order;
  const trouble = pool ? 'It could not be found out in time what became of it.' : 'The pool is gone.';
  const error: ProviderError = {
    kind: 'creation-error',
    title: 'Workers could not be started in time',
    description: `The order for ${row.count} workers of ${row.launchConfigId} was given up. ${trouble}`,
    code: 'Abandoned',
  };
  return { order, outcome: 'abandoned', trouble, workers: [], errors: [error] };
};

const carriedOut = (order: Order, { workers, errors }: Known): Closed => {
  const outcome = workers.length >= order.row.count ? 'done' : workers.length > 0 ? 'partial' : 'failed';
  const trouble = errors.map(({ title, code }) => `${title} (${code})`).join('; ') || null;
  return { order, outcome, trouble, workers, errors };
};

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
  const closed: Closed[] = [];
  const open: Late[] = [];
  for (const order of orders) {
    const outcome = byToken.get(order.row.token);
    if (outcome && !isUnknown(outcome)) closed.push(carriedOut(order, outcome));
    else open.push({ order, outcome });
  }
  if (closed.length > 0) await closeOrders(context, closed);
  if (open.length > 0) await putOff(context, open);
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

/** Writes what became of orders: their workers, and the end of the orders, together. */
const closeOrders = async (context: Context, closed: readonly Closed[]): Promise<void> => {
  try {
    await transact(context, (tx, now) => close(context, tx, { closed, now }));
  } catch (err) {
    if (closed.length === 1) throw err;
    // One whose outcome cannot be written keeps no other one open.
    context.log.warn({ err }, 'outcomes of orders could not be written together');
    for (const each of closed) {
      await closeOrders(context, [each]).catch((error: unknown) =>
        context.log.error(
          { err: error, token: each.order.row.token },
          'the outcome of an order is not written',
        ),
      );
    }
  }
};

const close = async (
  context: Context,
  tx: Transaction,
  { closed, now }: { readonly closed: readonly Closed[]; readonly now: Date },
): Promise<void> => {
  const ended = closed.map(({ order, outcome, trouble, workers }) => ({
    decisionId: order.row.decisionId,
    outcome,
    trouble,
    started: workers.length,
  }));
  const ours = new Set((await store.endLaunches(tx, ended)).map(({ decisionId }) => decisionId));
  const known = closed.flatMap(({ order: { row, pool }, ...rest }) =>
    pool && ours.has(row.decisionId) ? [{ row, pool, ...rest }] : [],
  );
  const workers = known.flatMap(({ row, pool, workers: started }) =>
    started.map((worker) => newWorker(row, pool, { worker, now })),
  );
  const added = workers.length > 0 ? await store.insertWorkers(tx, workers, now) : [];
  await outbox.append(
    tx,
    added.map((worker) => events.workerRequested(worker, now)),
    now,
  );
  const failures = known.flatMap(({ row, pool, errors }) =>
    errors.map((error) => failureOfOrder(row, pool, error)),
  );
  await keepFailures(context, tx, failures, now);
};

const failureOfOrder = (
  { launchConfigId }: store.LaunchRow,
  pool: store.PoolRow,
  error: ProviderError,
): FailureOfPool => ({ pool, failure: { ...failureOf(error), launchConfigId } });

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

/** An order of which it is not known yet what became of it. */
interface Late {
  readonly order: Order;
  readonly outcome: Unknown | undefined;
}

/** Leaves orders open for another attempt. Owners hear of the first failure of each only, and of the end. */
const putOff = (context: Context, late: readonly Late[]): Promise<void> =>
  transact(context, async (tx, now) => {
    const troubled = late.map(({ order, outcome }) => ({
      ...order,
      error: outcome?.error ?? unknownSince(new Error('It did not say what became of the order.')),
      waitMs: outcome?.retryAfterMs ?? Math.min(retryMaxMs, retryMinMs * 2 ** (order.row.attempts - 1)),
    }));
    await store.putOffLaunches(
      tx,
      troubled.map(({ row, error, waitMs }) => ({
        decisionId: row.decisionId,
        trouble: `${error.title} (${error.code})`,
        retryAt: later(now, waitMs),
      })),
    );
    const first = troubled.flatMap(({ row, pool, error }) =>
      row.attempts === 1 && pool ? [failureOfOrder(row, pool, error)] : [],
    );
    await keepFailures(context, tx, first, now);
  });
