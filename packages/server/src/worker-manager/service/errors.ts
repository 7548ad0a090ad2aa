import { days, hours, later, slugid, type Transaction, transact } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import { type PageQuery, pageLimit, pagesOf } from '../../http/index.ts';
import type { Context } from '../context.ts';
import * as events from '../events.ts';
import { grouped } from '../grouped.ts';
import type { ProviderError } from '../providers/provider.ts';
import type { ReportWorkerErrorRequest, WorkerPoolError } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { noPool, requirePool, storable } from './lookups.ts';

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

/** Keeps an error that a worker reports; the pool's owner is told if the pool says so. */
export const reportWorkerError = async (
  context: Context,
  workerPoolId: string,
  request: ReportWorkerErrorRequest,
): Promise<WorkerPoolError> => {
  const { workerGroup, workerId, extra, ...failure } = request;
  const error = await transact(context, async (tx, now) => {
    const pool = (await store.findPool(tx, workerPoolId)) ?? noPool(workerPoolId);
    const worker = await store.findWorker(tx, { workerPoolId, workerGroup, workerId });
    const launchConfigId = worker?.launchConfigId;
    const about = { ...failure, extra: { ...extra, workerGroup, workerId }, launchConfigId };
    const kept = await keepErrors(tx, { pool, failures: [about] }, now);
    await tellOwner(context, tx, { pool, errors: kept });
    return kept[0] as store.ErrorRow;
  });
  return errorView(error);
};

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

/** Keeps errors of several pools; those of pools that are gone are left out. */
export const keepErrorsOfPools = async (
  tx: Transaction,
  failures: readonly (PoolFailure & { readonly workerPoolId: string })[],
  now: Date,
): Promise<void> => {
  if (failures.length === 0) return;
  const byPool = grouped(failures, ({ workerPoolId }) => workerPoolId);
  for (const pool of await store.findPools(tx, [...byPool.keys()])) {
    await keepErrors(tx, { pool, failures: byPool.get(pool.workerPoolId) ?? [] }, now);
  }
};

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

/** A page of the errors of a pool, the latest first. */
export const listErrors = async (
  context: Context,
  workerPoolId: string,
  query: PageQuery & { readonly errorId?: string | undefined; readonly launchConfigId?: string | undefined },
) => {
  await requirePool(context, workerPoolId);
  const [reported, afterId] = pages.keyIn(query.continuationToken) ?? [latestMs, ''];
  const found = await store.listErrors(context.db, {
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
export const errorStats = async ({ db, clock }: Context, workerPoolId: string | undefined) => {
  const now = clock.now();
  const counts = await store.countErrors(db, workerPoolId ?? null, later(now, -errorKeptMs));
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
