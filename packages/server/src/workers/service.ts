import {
  alone,
  bindQueries,
  bindVerbs,
  later,
  oneByOne,
  type Query,
  RequestError,
  requireDate,
  type Sql,
  type Work,
} from '../base/index.ts';
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
import { keyOf, type SightingSettings } from './sightings.ts';
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

/** Pages of the workers of a task queue, for the listing here and the one of worker pools. */
export const workerPages = pagesOf('listWorkers', ['text', 'text']);

/** All provisioners with a known task queue. */
const listProvisioners = async (
  sql: Sql,
  query: PageQuery,
  { now }: Work<Context>,
): Promise<ListProvisionersResponse> => {
  const [above] = pages.provisioners.keyIn(query.continuationToken) ?? [''];
  const rows = await store.listProvisioners(sql, { above, limit: pageLimit(query.limit), now });
  const { rows: page, ...token } = pages.provisioners.pageOf(rows, query.limit, (row) => [row.provisionerId]);
  return { provisioners: page.map(provisionerOf), ...token };
};

/** One provisioner: the sum of its known task queues. */
const getProvisioner = async (
  sql: Sql,
  provisionerId: string,
  { now }: Work<Context>,
): Promise<Provisioner> => {
  const row = await store.findProvisioner(sql, queuesOf(provisionerId), now);
  if (!row) throw unknown(`Provisioner ${provisionerId}`);
  return provisionerOf(row);
};

/** All known task queues. */
const listTaskQueues = async (
  sql: Sql,
  query: PageQuery,
  { now }: Work<Context>,
): Promise<ListTaskQueuesResponse> => {
  const [above] = pages.taskQueues.keyIn(query.continuationToken) ?? [''];
  const rows = await store.listTaskQueues(sql, { above, below: '~', limit: pageLimit(query.limit), now });
  const { rows: page, ...token } = pages.taskQueues.pageOf(rows, query.limit, (row) => [row.taskQueueId]);
  return { taskQueues: page.map(taskQueueOf), ...token };
};

/** One known task queue. */
const getTaskQueue = async (sql: Sql, taskQueueId: string, { now }: Work<Context>): Promise<TaskQueue> => {
  const row = await store.findTaskQueue(sql, taskQueueId, now);
  if (!row) throw unknown(`Task queue ${taskQueueId}`);
  return taskQueueOf(row);
};

/** The known task queues of one provisioner. */
const listWorkerTypes = async (
  sql: Sql,
  { provisionerId, ...query }: PageQuery & Pick<WorkerTypeParams, 'provisionerId'>,
  { now }: Work<Context>,
): Promise<ListWorkerTypesResponse> => {
  const { above, below } = queuesOf(provisionerId);
  const [after] = pages.workerTypes.keyIn(query.continuationToken) ?? [''];
  const range = { above: above + after, below, limit: pageLimit(query.limit), now };
  const rows = await store.listTaskQueues(sql, range);
  const { rows: page, ...token } = pages.workerTypes.pageOf(rows, query.limit, (row) => [
    partsOf(row).workerType,
  ]);
  return { workerTypes: page.map(workerTypeOf), ...token };
};

/** One known task queue, by its two halves. */
const getWorkerType = async (
  sql: Sql,
  params: WorkerTypeParams,
  { now }: Work<Context>,
): Promise<WorkerTypeRecord> => {
  const taskQueueId = taskQueueIdOf(params);
  const row = await store.findTaskQueue(sql, taskQueueId, now);
  if (!row) throw unknown(`Worker type ${taskQueueId}`);
  return workerTypeOf(row);
};

/** Selects workers of a task queue: all, or those that are or are not quarantined. */
export interface WorkersQuery extends WorkerTypeParams, PageQuery {
  readonly quarantined?: boolean | undefined;
}

/** A page of the known workers of a task queue. */
const listWorkers = async (
  sql: Sql,
  query: WorkersQuery,
  { now }: Work<Context>,
): Promise<ListWorkersResponse> => {
  const [afterGroup, afterId] = workerPages.keyIn(query.continuationToken) ?? ['', ''];
  const rows = await store.listWorkers(sql, {
    taskQueueId: taskQueueIdOf(query),
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
const getWorker = async (sql: Sql, params: WorkerParams, { now }: Work<Context>): Promise<Worker> => {
  const row = await store.findWorker(sql, refOf(params));
  if (!row || !isKept(row, now)) throw unknown(`Worker ${keyOf(refOf(params))}`);
  return workerOf(row);
};

/** Makes a read wait until all workers that this process has seen so far are written. */
const afterSightings =
  <In, Out>(query: Query<In, Out, Context>): Query<In, Out, Context> =>
  async (sql, asked, work) => {
    await work.context.sightings.settle();
    return query(sql, asked, work);
  };

/** An order to quarantine a worker. */
export interface QuarantineOrder extends WorkerParams, QuarantineWorkerRequest {
  readonly clientId: string;
}

/** Keeps a known worker from work until a date; one in the past lets it work again. Safe to repeat. */
const quarantineWorkers = oneByOne(
  async (tx, order: QuarantineOrder, { now, context }: Work<Context>): Promise<Worker> => {
    const until = requireDate(order.quarantineUntil, 'quarantineUntil');
    const detail = {
      clientId: order.clientId,
      updatedAt: now.toJSON(),
      quarantineUntil: until.toJSON(),
      quarantineInfo: storable(order.quarantineInfo ?? ''),
    };
    const expires = later(now, context.settings.recordKeptMs);
    const row = await store.quarantineWorker(tx, refOf(order), { until, detail, expires, now });
    if (!row) throw unknown(`Worker ${keyOf(refOf(order))}`);
    tx.afterCommit(() => {
      context.quarantines.note(row, until);
      context.quarantinesChanged.wake();
    });
    return workerOf(row);
  },
);

/** A worker to make known, at least until a date. */
export interface Declaration extends WorkerParams, UpdateWorkerRequest {}

/** Makes a worker and its task queue known. Safe to repeat. */
const declareWorkers = oneByOne(
  async (tx, declaration: Declaration, { now }: Work<Context>): Promise<Worker> => {
    const ref = declarable(refOf(declaration));
    const seen = { now, expires: requireDate(declaration.expires, 'expires') };
    await store.seeTaskQueues(tx, [ref.taskQueueId], seen);
    await store.seeWorkers(tx, [{ ...ref, claimed: [] }], seen);
    return workerOf((await store.findWorker(tx, ref)) as store.WorkerWithHistory);
  },
);

const unknown = (what: string): RequestError =>
  new RequestError('ResourceNotFound', `${what} is not known: it was never seen, or not for a long time.`);

const taskQueueIdOf = ({ provisionerId, workerType }: WorkerTypeParams): string =>
  `${provisionerId}/${workerType}`;

const refOf = ({ workerGroup, workerId, ...queue }: WorkerParams): store.WorkerRef => ({
  taskQueueId: taskQueueIdOf(queue),
  workerGroup,
  workerId,
});

// Paths allow more names than tasks can have, and only a declaration could make a queue known under such a name.
const declarable = (ref: store.WorkerRef): store.WorkerRef => {
  if (taskQueueIdPattern.test(ref.taskQueueId)) return ref;
  throw new RequestError('InputError', `'${ref.taskQueueId}' is not the id of a task queue.`);
};

// In the order of bytes '0' follows '/', so exactly the ids that begin with the provisioner's are between these two.
const queuesOf = (provisionerId: string) => ({ above: `${provisionerId}/`, below: `${provisionerId}0` });

/** The text without the characters that PostgreSQL cannot store: NUL and lone surrogates. */
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

// Clients always expect a date here: for a worker that was never quarantined it is long past.
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

/** All workers whose quarantine has not ended, from the database. */
export const readQuarantined = (sql: Sql, now: Date): Promise<store.WorkerRef[]> =>
  store.quarantinedWorkers(sql, now);

/**
 * The latest time at which each of these workers may have asked for work, by queue, group and id. The database has it only
 * to within `sightingEveryMs`. Workers that never asked are left out.
 */
export const readLastSeen = async (
  sql: Sql,
  refs: readonly store.WorkerRef[],
  { sightingEveryMs }: Pick<SightingSettings, 'sightingEveryMs'>,
): Promise<ReadonlyMap<string, Date>> => {
  const rows = await store.lastSeen(sql, refs);
  return new Map(rows.map((row) => [keyOf(row), later(row.lastDateActive, sightingEveryMs)]));
};

const verbs = { quarantineWorkers: alone(quarantineWorkers), declareWorkers: alone(declareWorkers) };

const queries = {
  listProvisioners: afterSightings(listProvisioners),
  getProvisioner: afterSightings(getProvisioner),
  listTaskQueues: afterSightings(listTaskQueues),
  getTaskQueue: afterSightings(getTaskQueue),
  listWorkerTypes: afterSightings(listWorkerTypes),
  getWorkerType: afterSightings(getWorkerType),
  listWorkers: afterSightings(listWorkers),
  getWorker: afterSightings(getWorker),
};

/** The verbs of task queues and workers, bound to what they were opened with. */
export const workerVerbs = (context: Context) => {
  const bound = bindVerbs(context, verbs);
  const { sightings, quarantines, settings } = context;
  return {
    ...bindQueries(context, queries),
    quarantineWorker: async (order: QuarantineOrder): Promise<Worker> => {
      await sightings.settle();
      return bound.quarantineWorkers.one(order);
    },
    declareWorker: bound.declareWorkers.one,
    /** Records workers as active. Returns at once and never fails. */
    seeWorkers: sightings.seeWorkers,
    /** When the quarantine of a worker ends; undefined when it may work. Read from memory. */
    quarantinedUntil: quarantines.quarantinedUntil,
    /** Woken when this process learns of quarantines, so that waiting workers are checked again. */
    quarantinesKnown: quarantines.known,
    /** The database has the time when a worker was seen only to within this; see {@link readLastSeen}. */
    sightingEveryMs: settings.sightingEveryMs,
  };
};

export type WorkerVerbs = ReturnType<typeof workerVerbs>;
