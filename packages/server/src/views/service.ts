import { RequestError, type Sql } from '../base/index.ts';
import { type PageQuery, pageLimit, pagesOf } from '../http/index.ts';
import { priorities, type RunStatus } from '../queue/index.ts';
import type { Context } from './context.ts';
import { isBroken, isUnmet, whyPending, whyUnscheduled } from './explanation.ts';
import type { GroupLine, Overview, TaskExplanation } from './schema.ts';
import * as store from './store.ts';

const parsedRuns = (runs: string): RunStatus[] => JSON.parse(runs) as RunStatus[];

/** Times that are there, and the reason of an end. */
const timesOf = ({ scheduled, started, resolved, reasonResolved }: Partial<RunStatus>) => ({
  ...(reasonResolved === undefined ? {} : { reasonResolved }),
  ...(scheduled === undefined ? {} : { scheduled }),
  ...(started === undefined ? {} : { started }),
  ...(resolved === undefined ? {} : { resolved }),
});

const lineOf = ({
  taskId,
  name,
  state,
  taskQueueId,
  priority,
  dependencies,
  requires,
  runs,
}: store.LineRow): GroupLine => {
  const all = parsedRuns(runs);
  return {
    taskId,
    name,
    state: state as GroupLine['state'],
    taskQueueId,
    priority: priorities[priority] ?? 'lowest',
    dependencies: JSON.parse(dependencies) as string[],
    requires: requires as GroupLine['requires'],
    runs: all.length,
    ...timesOf(all.at(-1) ?? {}),
  };
};

const pages = pagesOf('views.listGroupLines', ['text']);

/** A page of the tasks of a group, in short. */
export const listGroupLines = async (
  { db }: Context,
  taskGroupId: string,
  { limit, continuationToken }: PageQuery,
) => {
  const [after] = pages.keyInOrStart(continuationToken) ?? [''];
  const read = await store.readLines(db, taskGroupId, { after, limit: pageLimit(limit) });
  if (read.length === 0 && !(await store.hasGroup(db, taskGroupId))) {
    throw new RequestError('ResourceNotFound', `Task group ${taskGroupId} does not exist.`);
  }
  const { rows, ...token } = pages.pageOf(read, limit, (row) => [row.taskId]);
  return { taskGroupId, tasks: rows.map(lineOf), ...token };
};

const unmetMax = 100;
const runsCountedMax = 10_000;

/** Why a task is in its state. */
export const explainTask = async (context: Context, taskId: string): Promise<TaskExplanation> => {
  const task = await store.readStanding(context.db, taskId);
  if (!task) throw new RequestError('ResourceNotFound', `Task ${taskId} does not exist.`);
  const state = task.state as TaskExplanation['state'];
  if (state === 'unscheduled') return { taskId, state, ...(await explainUnscheduled(context.db, task)) };
  if (state === 'pending') return { taskId, state, ...(await explainPending(context, task)) };
  const { reasonResolved } = parsedRuns(task.runs).at(-1) ?? {};
  const because = state === 'running' ? 'A worker runs it.' : `It ended as ${reasonResolved ?? state}.`;
  return { taskId, state, because, unmet: [], unmetCount: 0 };
};

const explainUnscheduled = async (db: Sql, { taskId, dependencies }: store.StandingRow) => {
  const rows = await store.readEdges(db, taskId, JSON.parse(dependencies) as string[]);
  const edges = rows.map((row) => ({ ...row, runs: parsedRuns(row.runs) }));
  const broken = edges.filter(isBroken);
  const waiting = edges.filter((edge) => isUnmet(edge) && !isBroken(edge));
  const unmet = [...broken, ...waiting];
  return {
    because: whyUnscheduled({ unmet: unmet.length, broken: broken.length }),
    unmet: unmet
      .slice(0, unmetMax)
      .map(({ taskId, name, state }) => ({ taskId, name, state: state as TaskExplanation['state'] })),
    unmetCount: unmet.length,
  };
};

const explainPending = async ({ db, clock }: Context, task: store.StandingRow) => {
  const { taskQueueId, priority, runs } = task;
  const position = task.position ?? 0;
  const [counts, workers, decision] = await Promise.all([
    store.countBefore(db, { taskQueueId, priority, position, runsMax: runsCountedMax }),
    store.countWorkers(db, taskQueueId, clock.now()),
    store.lastDecision(db, taskQueueId),
  ]);
  const line = { ...counts, workersSeen: workers.seen, workersQuarantined: workers.quarantined };
  return {
    because: whyPending(line),
    unmet: [],
    unmetCount: 0,
    line: {
      taskQueueId,
      ...line,
      since: parsedRuns(runs).at(-1)?.scheduled ?? clock.now().toJSON(),
      ...(workers.lastSeen ? { lastSeen: workers.lastSeen.toJSON() } : {}),
      ...(decision ? { decision: decisionOf(decision) } : {}),
    },
  };
};

const decisionOf = ({ decided, action, reason, trouble }: store.DecisionRow) => ({
  decided: decided.toJSON(),
  action,
  reason,
  ...(trouble === null ? {} : { trouble }),
});

const messagesMax = 20_000;
const groupsMax = 12;
const tasksMax = 12;

/** What goes on in the deployment. */
export const readOverview = async (context: Context): Promise<Overview> => {
  const { db } = context;
  const [queues, groups, failures] = await Promise.all([
    context.queue.countQueues(),
    store.lateGroups(db, { messagesMax, limit: groupsMax }),
    store.lateFailures(db, { messagesMax, limit: tasksMax * 4 }),
  ]);
  const busy = queues.map(({ taskQueueId }) => taskQueueId);
  const [shownGroups, failed, running] = await Promise.all([
    groupsOf(db, groups),
    shownTasks(db, failures),
    store.claimedOf(db, busy, tasksMax).then((tasks) => shownTasks(db, tasks)),
  ]);
  return {
    queues: queues.map(({ taskQueueId, pending, claimed, oldestPosition }) => ({
      taskQueueId,
      pending,
      claimed,
      ...(oldestPosition === null ? {} : { oldest: new Date(oldestPosition / 1000).toJSON() }),
    })),
    groups: shownGroups,
    running: running.filter(({ state }) => state === 'running'),
    // A task that was retried or run again since then has not failed any more.
    failed: failed.filter(({ state }) => state === 'failed' || state === 'exception').slice(0, tasksMax),
  };
};

const groupsOf = async (db: Sql, groups: readonly store.LateGroupRow[]): Promise<Overview['groups']> => {
  const ids = groups.map(({ taskGroupId }) => taskGroupId);
  const [counts, names] = await Promise.all([store.countStates(db, ids), store.nameGroups(db, ids)]);
  const nameOf = new Map(names.map(({ taskGroupId, name }) => [taskGroupId, name]));
  return groups
    .map(({ taskGroupId, changedAt }) => ({
      taskGroupId,
      name: nameOf.get(taskGroupId) ?? '',
      changed: changedAt.toJSON(),
      counts: Object.fromEntries(
        counts.filter((row) => row.taskGroupId === taskGroupId).map(({ state, count }) => [state, count]),
      ),
    }))
    .filter(({ counts }) => Object.keys(counts).length > 0);
};

/** Tasks in short, in the order of their ids. */
export const shownTasks = async (
  db: Sql,
  tasks: readonly { readonly taskId: string }[],
): Promise<Overview['failed']> => {
  const taskIds = tasks.map(({ taskId }) => taskId);
  const rows = new Map((await store.readShown(db, taskIds)).map((row) => [row.taskId, row]));
  return taskIds.flatMap((taskId) => {
    const row = rows.get(taskId);
    return row ? [shownOf(row)] : [];
  });
};

const shownOf = ({ runs, ...row }: store.ShownRow): Overview['failed'][number] => {
  const last = parsedRuns(runs).at(-1);
  return {
    ...row,
    state: row.state as GroupLine['state'],
    runId: last?.runId ?? 0,
    at: last?.resolved ?? last?.started ?? last?.scheduled ?? new Date(0).toJSON(),
    ...(last?.reasonResolved === undefined ? {} : { reasonResolved: last.reasonResolved }),
  };
};
