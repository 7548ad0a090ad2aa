import { type Answer, RequestError, type Sql, type Work } from '../../base/index.ts';
import { pageLimit, pagesOf } from '../../http/index.ts';
import { dependentsOf } from '../../scheduler/index.ts';
import type { Context } from '../context.ts';
import { groupView } from '../events.ts';
import { definitionText, queueParts, statusTextOf } from '../record.ts';
import * as store from '../store/index.ts';

export const noSuchTask = (taskId: string): RequestError =>
  new RequestError('ResourceNotFound', `Task ${taskId} does not exist.`);

export const noSuchGroup = (taskGroupId: string): RequestError =>
  new RequestError('ResourceNotFound', `Task group ${taskGroupId} does not exist.`);

const byId = <Row extends { taskId: string }>(rows: readonly Row[]): Map<string, Row> =>
  new Map(rows.map((row) => [row.taskId, row]));

/** Statuses of tasks, JSON text each. */
export const readStatuses = async (sql: Sql, taskIds: readonly string[]): Promise<Answer<string>[]> => {
  const rows = byId(await store.readStatusRows(sql, [...new Set(taskIds)]));
  return taskIds.map((taskId) => {
    const row = rows.get(taskId);
    return row ? statusTextOf(row) : noSuchTask(taskId);
  });
};

/** Definitions of tasks, JSON text each. */
export const readDefinitions = async (sql: Sql, taskIds: readonly string[]): Promise<Answer<string>[]> => {
  const rows = byId(await store.readDefinitions(sql, [...new Set(taskIds)]));
  return taskIds.map((taskId) => {
    const row = rows.get(taskId);
    return row ? definitionText(row.definition, row.priority) : noSuchTask(taskId);
  });
};

/** The parameters of a page of a listing. */
export interface PageRequest {
  readonly limit?: number | undefined;
  readonly continuationToken?: string | undefined;
}

const pages = {
  // A token is an index into the list of ids in the request, so both methods with such a list can share it.
  tasks: pagesOf('queue.tasks', ['whole']),
  group: pagesOf('queue.listTaskGroup', ['text']),
  dependents: pagesOf('queue.listDependentTasks', ['text']),
  pending: pagesOf('queue.listPendingTasks', ['whole', 'text']),
  claimed: pagesOf('queue.listClaimedTasks', ['whole', 'text']),
};

const tokenText = (token: string | undefined): string =>
  token === undefined ? '' : `,"continuationToken":${JSON.stringify(token)}`;

/** A page of results for tasks by id; those that do not exist are left out. */
export const pageOfTasks = async (
  taskIds: readonly string[],
  { limit, continuationToken }: PageRequest,
  read: { all(ids: string[]): Promise<Answer<string>[]>; list: string; element: string },
): Promise<string> => {
  const [start] = pages.tasks.keyIn(continuationToken) ?? [0];
  const wanted = taskIds.slice(start, start + pageLimit(limit) - 1);
  const answers = await read.all(wanted);
  const elements = wanted.flatMap((taskId, i) => {
    const text = answers[i];
    return typeof text === 'string' ? [`{"taskId":"${taskId}","${read.element}":${text}}`] : [];
  });
  const next = start + wanted.length;
  const token = next < taskIds.length ? pages.tasks.tokenAfter([next]) : undefined;
  return `{"${read.list}":[${elements.join(',')}]${tokenText(token)}}`;
};

const taskText = (row: store.TaskRow): string =>
  `{"status":${statusTextOf(row)},"task":${definitionText(row.definition, row.priority)}}`;

export const requireGroup = async (db: Sql, taskGroupId: string): Promise<store.GroupRow> => {
  const group = await store.readGroup(db, taskGroupId);
  if (!group) throw noSuchGroup(taskGroupId);
  return group;
};

/** A page of the tasks of a group, by id, JSON text. */
export const listTaskGroup = async (
  db: Sql,
  { taskGroupId, ...page }: PageRequest & { readonly taskGroupId: string },
): Promise<string> => {
  const group = await requireGroup(db, taskGroupId);
  const [after] = pages.group.keyIn(page.continuationToken) ?? [''];
  const read = await store.readGroupPage(db, taskGroupId, after, pageLimit(page.limit));
  const { rows, continuationToken } = pages.group.pageOf(read, page.limit, (row) => [row.taskId]);
  const head = JSON.stringify(groupView(group)).slice(0, -1);
  return `${head},"tasks":[${rows.map(taskText).join(',')}]${tokenText(continuationToken)}}`;
};

/** A page of the tasks that depend on a task, by id, JSON text. */
export const listDependents = async (
  db: Sql,
  { taskId, ...page }: PageRequest & { readonly taskId: string },
): Promise<string> => {
  const [known] = await store.readStatusRows(db, [taskId]);
  if (!known) throw noSuchTask(taskId);
  const [after] = pages.dependents.keyIn(page.continuationToken) ?? [''];
  const ids = await dependentsOf(db, taskId, after, pageLimit(page.limit));
  const { rows, continuationToken } = pages.dependents.pageOf(ids, page.limit, (id) => [id]);
  const tasks = await store.readTaskRows(db, rows);
  return `{"taskId":"${taskId}","tasks":[${tasks.map(taskText).join(',')}]${tokenText(continuationToken)}}`;
};

/** How many runs of some task queues are pending, and how many are claimed; each queue once, in order. */
export const countTaskQueues = (db: Sql, taskQueueIds: readonly string[], { now }: Work<Context>) =>
  store.countRuns(db, [...new Set(taskQueueIds)], now);

/** The same of one task queue, with the parts of its name. */
export const countQueue = async (db: Sql, taskQueueId: string, work: Work<Context>) => {
  const [counts] = await countTaskQueues(db, [taskQueueId], work);
  return { ...queueParts(taskQueueId), ...(counts as store.ExactCounts) };
};

/** A page of the pending runs of a task queue, the oldest first, JSON text. */
export const listPending = async (
  db: Sql,
  { taskQueueId, ...page }: PageRequest & { readonly taskQueueId: string },
  { now }: Work<Context>,
): Promise<string> => {
  const [position, taskId] = pages.pending.keyInOrStart(page.continuationToken) ?? [0, ''];
  const read = await store.pendingPage(db, taskQueueId, {
    after: { position, taskId },
    now,
    limit: pageLimit(page.limit),
  });
  const { rows, continuationToken } = pages.pending.pageOf(read, page.limit, (row) => [
    row.position,
    row.taskId,
  ]);
  const tasks = rows.map(
    (row) =>
      `{"taskId":"${row.taskId}","runId":${row.runId},"task":${definitionText(row.definition, row.priority)},` +
      `"inserted":"${new Date(row.position / 1000).toJSON()}"}`,
  );
  return `{"tasks":[${tasks.join(',')}]${tokenText(continuationToken)}}`;
};

/** A page of the claimed runs of a task queue, the oldest claim first, JSON text. */
export const listClaimed = async (
  db: Sql,
  { taskQueueId, ...page }: PageRequest & { readonly taskQueueId: string },
): Promise<string> => {
  const [time, taskId] = pages.claimed.keyInOrStart(page.continuationToken) ?? [0, ''];
  const read = await store.claimedPage(db, taskQueueId, {
    after: { claimedAt: new Date(time), taskId },
    limit: pageLimit(page.limit),
  });
  const { rows, continuationToken } = pages.claimed.pageOf(read, page.limit, (row) => [
    row.claimedAt.getTime(),
    row.taskId,
  ]);
  const tasks = rows.map(
    (row) =>
      `{"taskId":"${row.taskId}","runId":${row.runId},"workerGroup":"${row.workerGroup}",` +
      `"workerId":"${row.workerId}","claimed":"${row.claimedAt.toJSON()}",` +
      `"task":${definitionText(row.definition, row.priority)}}`,
  );
  return `{"tasks":[${tasks.join(',')}]${tokenText(continuationToken)}}`;
};
