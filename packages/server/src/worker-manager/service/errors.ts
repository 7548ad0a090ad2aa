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
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import { grouped } from '../grouped.ts';
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
    const errors = await keepErrors(tx, { pool, failures: [about] }, now);
    await tellOwner(context, tx, { pool, errors });
    return errorView(errors[0] as store.ErrorRow);
  },
);

/** Keeps errors of a pool, in the transaction that met them. */
export const keepErrors = async (
  tx: Transaction,
  { pool, failures }: { pool: store.PoolRow; failures: readonly PoolFailure[] },
  now: Date,
): Promise<store.ErrorRow[]> => {
  const errors = failures.map((failure) => ({
    errorId: slugid(),
    workerPoolId: pool.workerPoolId,
    launchConfigId: failure.launchConfigId ?? null,
    reported: now,
    kind: failure.kind,
    title: storable(failure.title).slice(0, 128),
    description: storable(failure.description).slice(0, 10_240),
    extra: storable(JSON.stringify(failure.extra)).replaceAll('\\u0000', '\\ufffd'),
  }));
  if (errors.length === 0) return [];
  await store.insertErrors(tx, errors);
  await outbox.append(
    tx,
    errors.map((error) => events.workerPoolError(error, pool.providerId)),
    now,
  );
  return errors;
};

/** An error of a provider as it is kept. */
export const failureOf = ({
  kind,
  title,
  description,
  code,
  extra,
  isPassing,
}: ProviderError): PoolFailure => ({
  kind,
  title,
  description,
  extra: { ...extra, code, ...(isPassing ? { isPassing } : {}) },
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

/**
 * Keeps errors of several pools, and tells the owners that want to know of each sort of them once; those of pools that
 * are gone are left out.
 */
export const keepErrorsOfPools = async (
  context: Pick<Context, 'email'>,
  tx: Transaction,
  failures: readonly (PoolFailure & { readonly workerPoolId: string })[],
  now: Date,
): Promise<void> => {
  if (failures.length === 0) return;
  const byPool = grouped(failures, ({ workerPoolId }) => workerPoolId);
  for (const pool of await store.findPools(tx, [...byPool.keys()])) {
    const errors = await keepErrors(tx, { pool, failures: byPool.get(pool.workerPoolId) ?? [] }, now);
    await tellOwner(context, tx, { pool, errors: oneOfEachSort(errors) });
  }
};

/** Errors that differ in their title. */
export const oneOfEachSort = (errors: readonly store.ErrorRow[]): store.ErrorRow[] => [
  ...new Map(errors.map((error) => [error.title, error])).values(),
];

/** Mails the owner of a pool each of some errors, if the pool says so, in their transaction. */
export const tellOwner = async (
  { email }: Pick<Context, 'email'>,
  tx: Transaction,
  { pool, errors }: { pool: store.PoolRow; errors: readonly store.ErrorRow[] },
): Promise<void> => {
  if (!pool.emailOnError) return;
  const mails = errors.map(({ kind, title, description, errorId }) => ({
    address: pool.owner,
    subject: `Error in worker pool ${pool.workerPoolId}: ${title}`,
    content: `Worker pool: ${pool.workerPoolId}\n\nKind: ${kind}\n\nError id: ${errorId}\n\n${description}`,
  }));
  await email(tx, mails);
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
    const totals: Record<string, number> = {};
    for (const count of counts) {
      const key = keyed(count);
      if (key !== null) totals[key] = (totals[key] ?? 0) + count.count;
    }
    return totals;
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
