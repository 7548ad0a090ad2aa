import { later, RequestError, requireDate, type Sql, transact } from '../base/index.ts';
import { type PageQuery, pageLimit, pagesOf, taskQueueIdPattern } from '../http/index.ts';
import type { Context } from './context.ts';
import type {
  ListProvisionersResponse,
  ListTaskQueuesResponse,
  ListWorkersResponse,
  ListWorkerTypesResponse,
  Provisioner,
  QuarantineWorkerRequest,
  RunRef,
  TaskQueue,
  UpdateWorkerRequest,
  Worker,
  WorkerTypeRecord,
} from './schema.ts';
import { keyOf } from './sightings.ts';
import * as store from './store.ts';

/** A worker as the paths of the API name it. */
export interface WorkerParams extends WorkerTypeParams {
  readonly workerGroup: string;
  readonly workerId: string;
}

export interface WorkerTypeParams {
  readonly provisionerId: string;
  readonly workerType: string;
}

const pages = {
  provisioners: pagesOf('queue.listProvisioners', ['text']),
  taskQueues: pagesOf('queue.listTaskQueues', ['text']),
  workerTypes: pagesOf('queue.listWorkerTypes', ['text']),
};

/** Pages of the workers of a task queue: its listing here, and the one that knows of worker pools as well. */
export const workerPages = pagesOf('listWorkers', ['text', 'text']);

/** All provisioners with a known task queue. */
export const listProvisioners = async (
  context: Context,
  query: PageQuery,
): Promise<ListProvisionersResponse> => {
  await context.sightings.settle();
  const [above] = pages.provisioners.keyIn(query.continuationToken) ?? [''];
  const range = { above, limit: pageLimit(query.limit), now: context.clock.now() };
  const rows = await store.listProvisioners(context.db, range);
  const { rows: page, ...token } = pages.provisioners.pageOf(rows, query.limit, (row) => [row.provisionerId]);
  return { provisioners: page.map(provisionerOf), ...token };
};

/** The sum of all known task queues of one provisioner. */
export const getProvisioner = async (context: Context, provisionerId: string): Promise<Provisioner> => {
  await context.sightings.settle();
  const row = await store.findProvisioner(context.db, queuesOf(provisionerId), context.clock.now());
  if (!row) throw unknown(`Provisioner ${provisionerId}`);
  return provisionerOf(row);
};

/** All known task queues. */
export const listTaskQueues = async (context: Context, query: PageQuery): Promise<ListTaskQueuesResponse> => {
  await context.sightings.settle();
  const [above] = pages.taskQueues.keyIn(query.continuationToken) ?? [''];
  const range = { above, below: '~', limit: pageLimit(query.limit), now: context.clock.now() };
  const rows = await store.listTaskQueues(context.db, range);
  const { rows: page, ...token } = pages.taskQueues.pageOf(rows, query.limit, (row) => [row.taskQueueId]);
  return { taskQueues: page.map(taskQueueOf), ...token };
};

/** One known task queue. */
export const getTaskQueue = async (context: Context, taskQueueId: string): Promise<TaskQueue> => {
  await context.sightings.settle();
  const row = await store.findTaskQueue(context.db, taskQueueId, context.clock.now());
  if (!row) throw unknown(`Task queue ${taskQueueId}`);
  return taskQueueOf(row);
};

/** The known task queues of one provisioner. */
export const listWorkerTypes = async (
  context: Context,
  provisionerId: string,
  query: PageQuery,
): Promise<ListWorkerTypesResponse> => {
  await context.sightings.settle();
  const { above, below } = queuesOf(provisionerId);
  const [after] = pages.workerTypes.keyIn(query.continuationToken) ?? [''];
  const range = { above: above + after, below, limit: pageLimit(query.limit), now: context.clock.now() };
  const rows = await store.listTaskQueues(context.db, range);
  const { rows: page, ...token } = pages.workerTypes.pageOf(rows, query.limit, (row) => [
    partsOf(row).workerType,
  ]);
  return { workerTypes: page.map(workerTypeOf), ...token };
};

/** One known task queue, by its two halves. */
export const getWorkerType = async (
  context: Context,
  params: WorkerTypeParams,
): Promise<WorkerTypeRecord> => {
  await context.sightings.settle();
  const taskQueueId = taskQueueIdOf(params);
  const row = await store.findTaskQueue(context.db, taskQueueId, context.clock.now());
  if (!row) throw unknown(`Worker type ${taskQueueId}`);
  return workerTypeOf(row);
};

/** The known workers of a task queue: all, or those that are or are not quarantined. */
export const listWorkers = async (
  context: Context,
  params: WorkerTypeParams,
  query: PageQuery & { readonly quarantined?: boolean | undefined },
): Promise<ListWorkersResponse> => {
  await context.sightings.settle();
  const now = context.clock.now();
  const [afterGroup, afterId] = workerPages.keyIn(query.continuationToken) ?? ['', ''];
  const rows = await store.listWorkers(context.db, {
    taskQueueId: taskQueueIdOf(params),
    afterGroup,
    afterId,
    quarantined: query.quarantined ?? null,
    limit: pageLimit(query.limit),
    now,
  });
  const { rows: page, ...token } = workerPages.pageOf(rows, query.limit, (row) => [
    row.workerGroup,
    row.workerId,
  ]);
  return { workers: page.map((row) => listedWorkerOf(row, now)), ...token };
};

/** One known worker. */
export const getWorker = async (context: Context, params: WorkerParams): Promise<Worker> => {
  await context.sightings.settle();
  const now = context.clock.now();
  const row = await store.findWorker(context.db, refOf(params));
  if (!row || !isKept(row, now)) throw unknown(`Worker ${keyOf(refOf(params))}`);
  return workerOf(row);
};

/** Keeps a known worker from work until a date; one in the past lets it work again. Safe to repeat. */
export const quarantineWorker = async (
  context: Context,
  params: WorkerParams,
  request: QuarantineWorkerRequest & { readonly clientId: string },
): Promise<Worker> => {
  await context.sightings.settle();
  const now = context.clock.now();
  const until = requireDate(request.quarantineUntil, 'quarantineUntil');
  const detail = {
    clientId: request.clientId,
    updatedAt: now.toJSON(),
    quarantineUntil: until.toJSON(),
    quarantineInfo: storable(request.quarantineInfo ?? ''),
  };
  const order = { until, detail, expires: later(now, context.settings.recordKeptMs), now };
  const row = await store.quarantineWorker(context.db, refOf(params), order);
  if (!row) throw unknown(`Worker ${keyOf(refOf(params))}`);
  context.quarantines.note(row, until);
  context.quarantinesChanged.wake();
  return workerOf(row);
};

/** Makes a worker and its task queue known at least until a date. Safe to repeat. */
export const declareWorker = async (
  context: Context,
  params: WorkerParams,
  request: UpdateWorkerRequest,
): Promise<Worker> => {
  const ref = declarable(refOf(params));
  const seen = { now: context.clock.now(), expires: requireDate(request.expires, 'expires') };
  const row = await transact(context, async (tx) => {
    await store.seeTaskQueues(tx, [ref.taskQueueId], seen);
    await store.seeWorkers(tx, [{ ...ref, claimed: [] }], seen);
    return store.findWorker(tx, ref);
  });
  return workerOf(row as store.WorkerWithHistory);
};

/** Deletes at most this many workers that were not seen for long enough; returns how many. */
export const expireWorkers = ({ db, clock }: Context, limit: number): Promise<number> =>
  store.deleteExpiredWorkers(db, limit, clock.now());

/** Deletes at most this many task queues that no worker was seen at for long enough; returns how many. */
export const expireTaskQueues = ({ db, clock }: Context, limit: number): Promise<number> =>
  store.deleteExpiredTaskQueues(db, limit, clock.now());

const unknown = (what: string): RequestError =>
  new RequestError('ResourceNotFound', `${what} is not known: it was never seen, or not for a long time.`);

const taskQueueIdOf = ({ provisionerId, workerType }: WorkerTypeParams): string =>
  `${provisionerId}/${workerType}`;

const refOf = ({ workerGroup, workerId, ...queue }: WorkerParams): store.WorkerRef => ({
  taskQueueId: taskQueueIdOf(queue),
  workerGroup,
  workerId,
});

// Paths take more names than tasks can have, and only a declaration could make a queue known under such a
// name.
const declarable = (ref: store.WorkerRef): store.WorkerRef => {
  if (taskQueueIdPattern.test(ref.taskQueueId)) return ref;
  throw new RequestError('InputError', `'${ref.taskQueueId}' is not the id of a task queue.`);
};

// In the order of bytes '0' follows '/'. So these two enclose the ids that begin with the provisioner's, and
// no others.
const queuesOf = (provisionerId: string) => ({ above: `${provisionerId}/`, below: `${provisionerId}0` });

/** The text without the few characters that PostgreSQL cannot store: NUL and halves of surrogate pairs. */
const storable = (text: string): string => Buffer.from(text).toString().replaceAll('\0', '\ufffd');

/** A worker is known until its record expires, and for as long as it is quarantined. */
const isKept = ({ expires, quarantineUntil }: store.WorkerRow, now: Date): boolean =>
  expires > now || (quarantineUntil !== null && quarantineUntil > now);

const partsOf = ({ taskQueueId }: { readonly taskQueueId: string }): WorkerTypeParams => {
  const [provisionerId = '', workerType = ''] = taskQueueId.split('/');
  return { provisionerId, workerType };
};

const activityOf = (row: { readonly expires: Date; readonly lastDateActive: Date }) => ({
  stability: 'experimental' as const,
  description: '',
  expires: row.expires.toJSON(),
  lastDateActive: row.lastDateActive.toJSON(),
});

const provisionerOf = (row: store.ProvisionerRow): Provisioner => ({
  provisionerId: row.provisionerId,
  ...activityOf(row),
});

const taskQueueOf = (row: store.TaskQueueRow): TaskQueue => ({
  taskQueueId: row.taskQueueId,
  ...activityOf(row),
});

const workerTypeOf = (row: store.TaskQueueRow): WorkerTypeRecord => ({
  ...partsOf(row),
  ...taskQueueOf(row),
});

const runOf = (text: string): RunRef => {
  const [taskId = '', runId = ''] = text.split('/');
  return { taskId, runId: Number(runId) };
};

const listedWorkerOf = (row: store.WorkerRow, now: Date): ListWorkersResponse['workers'][number] => {
  const [latest] = row.recentTasks;
  const { quarantineUntil } = row;
  return {
    workerGroup: row.workerGroup,
    workerId: row.workerId,
    firstClaim: row.firstClaim.toJSON(),
    lastDateActive: row.lastDateActive.toJSON(),
    ...(latest === undefined ? {} : { latestTask: runOf(latest) }),
    ...(quarantineUntil && quarantineUntil > now ? { quarantineUntil: quarantineUntil.toJSON() } : {}),
  };
};

// Clients expect a date here always: for a worker that was never quarantined it is one that is long past.
const neverQuarantined = new Date(0);

const workerOf = (row: store.WorkerWithHistory): Worker => ({
  ...partsOf(row),
  taskQueueId: row.taskQueueId,
  workerGroup: row.workerGroup,
  workerId: row.workerId,
  recentTasks: row.recentTasks.map(runOf).reverse(),
  expires: row.expires.toJSON(),
  firstClaim: row.firstClaim.toJSON(),
  lastDateActive: row.lastDateActive.toJSON(),
  quarantineUntil: (row.quarantineUntil ?? neverQuarantined).toJSON(),
  quarantineDetails: [...row.quarantineDetails],
});

/** All workers whose quarantine has not ended, as the database has them. */
export const readQuarantined = (sql: Sql, now: Date): Promise<store.WorkerRef[]> =>
  store.quarantinedWorkers(sql, now);

/**
 * Until when each of these workers may have asked for work, by queue, group and id: the database has it only to within `sightingEveryMs`.
 * Those that never did are left out.
 */
export const readLastSeen = async (
  { sql, settings }: Pick<Context, 'settings'> & { readonly sql: Sql },
  refs: readonly store.WorkerRef[],
): Promise<ReadonlyMap<string, Date>> => {
  const rows = await store.lastSeen(sql, refs);
  return new Map(rows.map((row) => [keyOf(row), later(row.lastDateActive, settings.sightingEveryMs)]));
};
