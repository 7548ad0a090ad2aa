import { type Answer, RequestError, type Transaction, together, type Verb } from '../../base/index.ts';
import type { Authorize } from '../../http/index.ts';
import { changeTasks } from '../changes/apply.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import { queueParts, type TaskRecord } from '../record.ts';
import * as store from '../store/index.ts';
import { type Claimed, claimText, reclaimText, takenUntilFrom } from './claim-reply.ts';

/** A worker that wants one certain run. */
export interface RunToClaim {
  readonly taskId: string;
  readonly runId: number;
  readonly worker: lifecycle.WorkerRef;
  readonly authorize: Authorize;
}

/** Gives certain runs to workers. Returns the JSON text of each claim; {@link noClaim} for a worker in quarantine. */
export const claimRuns: Verb<RunToClaim, string, Context> = async (tx, requests, work) => {
  const { now, context } = work;
  const takenUntil = takenUntilFrom(now, context.settings.claimTimeoutSeconds);
  const quarantined = new Set<RunToClaim>();
  const attempts = requests.map((request) => ({
    taskId: request.taskId,
    decide: (task: TaskRecord) => {
      const { runId, worker, authorize } = request;
      authorize({ ...queueParts(task.taskQueueId), ...worker });
      return lifecycle.beforeDeadline(task, now, () => {
        const isBarred = context.isQuarantined(task.taskQueueId, worker.workerGroup, worker.workerId);
        if (isBarred) quarantined.add(request);
        return isBarred ? lifecycle.unchanged : lifecycle.claim(task, { runId, worker, takenUntil }, now);
      });
    },
  }));
  const [answers, definitions] = await together(changeTasks(tx, attempts, work), definitionsOf(tx, requests));
  const claims = requests.map((request, i) => ({
    ...request,
    answer: answers[i] as Answer<TaskRecord>,
    isGiven: !quarantined.has(request),
  }));
  tx.afterCommit(() =>
    context.seeWorkers(
      claims.flatMap(({ answer, isGiven, worker, taskId, runId }) =>
        answer instanceof RequestError || !isGiven
          ? []
          : [{ taskQueueId: answer.taskQueueId, ...worker, claimed: [{ taskId, runId }] }],
      ),
    ),
  );
  const texts = textsOf(claims, definitions, (claimed) => claimText(claimed, work));
  // The original's reply to a worker in quarantine has no fields.
  return claims.map(({ isGiven }, i) => (isGiven ? (texts[i] as Answer<string>) : noClaim));
};

/** The reply to a claim of a worker in quarantine. */
export const noClaim = '{}';

/** A claim that a worker wants to prolong. */
export interface RunToReclaim {
  readonly taskId: string;
  readonly runId: number;
}

/** Prolongs claims, with fresh credentials. Returns the JSON text of each. */
export const reclaimRuns: Verb<RunToReclaim, string, Context> = async (tx, requests, work) => {
  const { now, context } = work;
  const takenUntil = takenUntilFrom(now, context.settings.claimTimeoutSeconds);
  const attempts = requests.map(({ taskId, runId }) => ({
    taskId,
    decide: (task: TaskRecord) => {
      const reclaim = () => lifecycle.reclaim(task, runId, takenUntil);
      return task.runs[runId] ? lifecycle.beforeDeadline(task, now, reclaim) : reclaim();
    },
  }));
  const [answers, definitions] = await together(changeTasks(tx, attempts, work), definitionsOf(tx, requests));
  const claims = requests.map(({ taskId }, i) => {
    const answer = answers[i] as Answer<TaskRecord>;
    return { taskId, answer, worker: workerOf(answer) };
  });
  tx.afterCommit(() =>
    context.seeWorkers(
      claims.flatMap(({ answer, worker }) =>
        answer instanceof RequestError ? [] : [{ taskQueueId: answer.taskQueueId, ...worker }],
      ),
    ),
  );
  return textsOf(claims, definitions, (claimed) => reclaimText(claimed, work));
};

const workerOf = (answer: Answer<TaskRecord>): lifecycle.WorkerRef => {
  const run = answer instanceof RequestError ? undefined : answer.runs.at(-1);
  return { workerGroup: run?.workerGroup ?? '', workerId: run?.workerId ?? '' };
};

/** The definitions of tasks; sent with the statement that locks them, since they never change. */
const definitionsOf = async (
  tx: Transaction,
  requests: readonly { taskId: string }[],
): Promise<Map<string, string>> => {
  const rows = await store.readDefinitions(
    tx,
    requests.map(({ taskId }) => taskId),
  );
  return new Map(rows.map((row) => [row.taskId, row.definition]));
};

interface Claim {
  readonly taskId: string;
  readonly worker: lifecycle.WorkerRef;
  readonly answer: Answer<TaskRecord>;
}

const textsOf = (
  claims: readonly Claim[],
  definitions: ReadonlyMap<string, string>,
  textOf: (claimed: Claimed) => string,
): Answer<string>[] =>
  claims.map(({ taskId, worker, answer }) =>
    answer instanceof RequestError
      ? answer
      : textOf({ record: answer, worker, definition: definitions.get(taskId) ?? '{}' }),
  );
