import { later, minutes, RequestError, type Sql, type Work } from '../../base/index.ts';
import type { Context } from '../context.ts';
import {
  expectedStart,
  isBroken,
  isUnmet,
  runsCountedMax,
  whyPending,
  whyUnscheduled,
} from '../explanation.ts';
import type { TaskExplanation } from '../schema.ts';
import * as store from '../store/index.ts';
import { parsedRuns } from './runs.ts';

const unmetMax = 100;
const messagesMax = 20_000;
/** How far back the pace of a task queue is looked at. */
const paceMs = minutes(30);

/** Why a task is in its state. */
export const explainTask = async (
  sql: Sql,
  taskId: string,
  { now }: Work<Context>,
): Promise<TaskExplanation> => {
  const task = await store.readStanding(sql, taskId);
  if (!task) throw new RequestError('ResourceNotFound', `Task ${taskId} does not exist.`);
  const state = task.state as TaskExplanation['state'];
  if (state === 'unscheduled') return { taskId, state, ...(await explainUnscheduled(sql, task)) };
  if (state === 'pending') return { taskId, state, ...(await explainPending(sql, task, now)) };
  const { reasonResolved } = parsedRuns(task.runs).at(-1) ?? {};
  const because = state === 'running' ? 'A worker runs it.' : `It ended as ${reasonResolved ?? state}.`;
  return { taskId, state, because, unmet: [], unmetCount: 0 };
};

const explainUnscheduled = async (sql: Sql, { taskId, dependencies }: store.StandingRow) => {
  const rows = await store.readEdges(sql, taskId, JSON.parse(dependencies) as string[]);
  const edges = rows.map((row) => ({ ...row, runs: parsedRuns(row.runs) }));
  const broken = edges.filter(isBroken);
  const waiting = edges.filter((edge) => isUnmet(edge) && !isBroken(edge));
  const unmet = [...broken, ...waiting];
  const itself = unmet.some((edge) => edge.taskId === taskId);
  return {
    because: whyUnscheduled({ unmet: unmet.length, broken: broken.length, itself }),
    unmet: unmet
      .slice(0, unmetMax)
      .map(({ taskId, name, state }) => ({ taskId, name, state: state as TaskExplanation['state'] })),
    unmetCount: unmet.length,
  };
};

const explainPending = async (sql: Sql, task: store.StandingRow, now: Date) => {
  const { taskQueueId, priority, runs } = task;
  const position = task.position ?? 0;
  const [counts, workers, decision, pause] = await Promise.all([
    store.countBefore(sql, { taskQueueId, priority, position, runsMax: runsCountedMax }),
    store.countWorkers(sql, taskQueueId, now),
    store.lastDecision(sql, taskQueueId),
    store.readPause(sql, taskQueueId),
  ]);
  // Reads many messages, and tells nothing about a queue that nobody serves.
  const pace =
    workers.seen > 0 || counts.running > 0
      ? await store.countStarts(sql, { taskQueueId, notBefore: later(now, -paceMs), messagesMax })
      : { starts: 0, since: undefined };
  const line = { ...counts, workersSeen: workers.seen, workersQuarantined: workers.quarantined };
  return {
    because: whyPending({ ...line, isPaused: pause !== undefined }),
    unmet: [],
    unmetCount: 0,
    line: {
      taskQueueId,
      ...line,
      expected: expectedStart({
        ...line,
        starts: pace.starts,
        withinMs: now.getTime() - (pace.since ?? now).getTime(),
      }),
      since: parsedRuns(runs).at(-1)?.scheduled ?? now.toJSON(),
      ...(workers.lastSeen ? { lastSeen: workers.lastSeen.toJSON() } : {}),
      ...(pause ? { paused: { since: pause.paused.toJSON(), reason: pause.pauseReason ?? '' } } : {}),
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
