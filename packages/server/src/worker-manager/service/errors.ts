import {
  days,
  hours,
  later,
  oneByOne,
  type Sql,
  slugid,
  type Transaction,
  type Work,
} from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import { pageLimit, pagesOf } from '../../http/index.ts';
import type { Email } from '../../notify/index.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import type { ProviderError } from '../providers/provider.ts';
import type { ReportWorkerErrorRequest, WorkerPoolError } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { type PageOfPool, requirePool, storable } from './lookups.ts';

/** How long errors are kept. */
export const errorKeptMs = days(7);

/** Something that went wrong in a pool. */
export interface PoolFailure {
  readonly kind: string;
  readonly title: string;
  readonly description: string;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly launchConfigId?: string | null | undefined;
}

/** An error, as a worker reports it. */
export interface ReportedError extends ReportWorkerErrorRequest {
  readonly workerPoolId: string;
}

/** Keeps errors that workers report; the pool's owner is told if the pool says so. */
export const reportWorkerErrors = oneByOne(
  async (tx, reported: ReportedError, { now, context }: Work<Context>): Promise<WorkerPoolError> => {
    const { workerPoolId, workerGroup, workerId, extra, ...failure } = reported;
    const pool = await requirePool(tx, workerPoolId);
    const worker = await store.findWorker(tx, { workerPoolId, workerGroup, workerId });
    const launchConfigId = worker?.launchConfigId;
    const about = { ...failure, extra: { ...extra, workerGroup, workerId }, launchConfigId };
    const [error] = await keepFailures(context, tx, [{ pool, failure: about }], now);
    return errorView(error as store.ErrorRow);
  },
);

/** Something that went wrong, and where. */
export interface FailureOfPool {
  readonly pool: store.PoolRow;
  readonly failure: PoolFailure;
}

/**
 * Keeps errors, in the transaction that met them, and mails them to owners of pools that want to know: of those that a
 * pool has with one title, the last.
 */
export const keepFailures = async (
  { email }: Pick<Context, 'email'>,
  tx: Transaction,
  failures: readonly FailureOfPool[],
  now: Date,
): Promise<store.ErrorRow[]> => {
  if (failures.length === 0) return [];
  const kept = failures.map(({ pool, failure }) => ({ pool, error: rowOf(pool, failure, now) }));
  await store.insertErrors(
    tx,
    kept.map(({ error }) => error),
  );
  await outbox.append(
    tx,
    kept.map(({ error, pool }) => events.workerPoolError(error, pool.providerId)),
    now,
  );
  const told = new Map(kept.map((each) => [`${each.pool.workerPoolId} ${each.error.title}`, each]));
  const mails = [...told.values()].filter(({ pool }) => pool.emailOnError).map(mailTo);
  if (mails.length > 0) await email(tx, mails);
  return kept.map(({ error }) => error);
};

const rowOf = (pool: store.PoolRow, failure: PoolFailure, now: Date): store.ErrorRow => ({
  errorId: slugid(),
  workerPoolId: pool.workerPoolId,
  launchConfigId: failure.launchConfigId ?? null,
  reported: now,
  kind: failure.kind,
  title: storable(failure.title).slice(0, 128),
  description: storable(failure.description).slice(0, 10_240),
  extra: storable(JSON.stringify(failure.extra)).replaceAll('\\u0000', '\\ufffd'),
});

const mailTo = ({
  pool,
  error,
}: {
  readonly pool: store.PoolRow;
  readonly error: store.ErrorRow;
}): Email => ({
  address: pool.owner,
  subject: `Error in worker pool ${pool.workerPoolId}: ${error.title}`,
  content: `Worker pool: ${pool.workerPoolId}\n\nKind: ${error.kind}\n\nError id: ${error.errorId}\n\n${error.description}`,
});

/** An error of a provider as it is kept. */
export const failureOf = ({
  kind,
  title,
  description,
  code,
  extra,
  isPassing,
  isShortage,
}: ProviderError): PoolFailure => ({
  kind,
  title,
  description,
  extra: { ...extra, code, ...(isPassing ? { isPassing } : {}), ...(isShortage ? { isShortage } : {}) },
});

/** A worker from which nothing was ever heard. */
export const neverRegisteredFailure = (
  worker: store.WorkerRef & { readonly launchConfigId?: string | null | undefined },
  title: string,
  reason = 'nothing else is known',
) => ({
  workerPoolId: worker.workerPoolId,
  kind: 'worker-error',
  title,
  description: `The worker ${worker.workerGroup}/${worker.workerId} never registered: ${reason}.`,
  extra: { workerGroup: worker.workerGroup, workerId: worker.workerId, code: 'NeverRegistered' },
  launchConfigId: worker.launchConfigId,
});

/** A worker that was ordered and accepted, and for which there was no capacity after all. */
export const noCapacityFailure = (
  worker: Parameters<typeof neverRegisteredFailure>[0],
  reason?: string,
): PoolFailure & { readonly workerPoolId: string } => {
  const failure = neverRegisteredFailure(worker, 'Worker was not started for lack of capacity', reason);
  return { ...failure, extra: { ...failure.extra, code: 'NoCapacity', isPassing: true, isShortage: true } };
};

/** Keeps errors of pools that are known by their ids; those of pools that are gone are left out. */
export const keepFailuresById = async (
  context: Pick<Context, 'email'>,
  tx: Transaction,
  failures: readonly (PoolFailure & { readonly workerPoolId: string })[],
  now: Date,
): Promise<void> => {
  if (failures.length === 0) return;
  const ids = [...new Set(failures.map(({ workerPoolId }) => workerPoolId))];
  const pools = new Map((await store.findPools(tx, ids)).map((pool) => [pool.workerPoolId, pool]));
  const known = failures.flatMap((failure) => {
    const pool = pools.get(failure.workerPoolId);
    return pool ? [{ pool, failure }] : [];
  });
  await keepFailures(context, tx, known, now);
};

const pages = pagesOf('worker-manager.listWorkerPoolErrors', ['whole', 'text']);
const latestMs = 8.64e15;

/** Selects errors of a pool: all, one, or those of a launch config. */
export interface ErrorsQuery extends PageOfPool {
  readonly errorId?: string | undefined;
  readonly launchConfigId?: string | undefined;
}

/** A page of the errors of a pool, the latest first. */
export const listErrors = async (sql: Sql, { workerPoolId, ...query }: ErrorsQuery) => {
  await requirePool(sql, workerPoolId);
  const [reported, afterId] = pages.keyIn(query.continuationToken) ?? [latestMs, ''];
  const found = await store.listErrors(sql, {
    workerPoolId,
    errorId: query.errorId,
    launchConfigId: query.launchConfigId,
    before: new Date(reported),
    afterId,
    limit: pageLimit(query.limit),
  });
  const { rows, ...token } = pages.pageOf(found, query.limit, (row) => [row.reported.getTime(), row.errorId]);
  return { workerPoolErrors: rows.map(errorView), ...token };
};

/** How many errors there were in the last seven days, of one pool or of all. */
export const errorStats = async (sql: Sql, workerPoolId: string | null, { now }: Work<Context>) => {
  const counts = await store.countErrors(sql, workerPoolId, later(now, -errorKeptMs));
  const sum = (keyed: (count: store.ErrorCount) => string | null): Record<string, number> => {
    // A map, since every object has a `constructor`, and an error may have that title.
    const totals = new Map<string, number>();
    for (const count of counts) {
      const key = keyed(count);
      if (key !== null) totals.set(key, (totals.get(key) ?? 0) + count.count);
    }
    return Object.fromEntries(totals);
  };
  const sinceHours = later(now, -hours(24));
  return {
    workerPoolId: workerPoolId ?? '',
    totals: {
      total: counts.reduce((total, { count }) => total + count, 0),
      daily: sum(({ hour }) => hour.toJSON().slice(0, 10)),
      hourly: sum(({ hour }) => (hour > sinceHours ? hour.toJSON() : null)),
      title: sum(({ title }) => title),
      code: sum(({ code }) => code ?? 'other'),
      launchConfig: sum(({ launchConfigId }) => launchConfigId ?? 'none'),
      workerPool: sum((count) => count.workerPoolId),
    },
  };
};

const errorView = (row: store.ErrorRow): WorkerPoolError => ({
  workerPoolId: row.workerPoolId,
  errorId: row.errorId,
  reported: row.reported.toJSON(),
  kind: row.kind,
  title: row.title,
  description: row.description,
  extra: JSON.parse(row.extra) as WorkerPoolError['extra'],
  ...(row.launchConfigId === null ? {} : { launchConfigId: row.launchConfigId }),
});
