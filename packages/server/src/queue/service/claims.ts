import { type Answer, RequestError, type Transaction } from '../../base/index.ts';
import type { Authorize } from '../../http/index.ts';
import { changeTasks } from '../apply.ts';
import { type Claimed, claimText, reclaimText, takenUntilFrom } from '../claim-reply.ts';
import type { QueueDeps } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import { queueParts, type TaskRecord } from '../record.ts';
import * as store from '../store/index.ts';
import { requireBeforeDeadline } from './change-tasks.ts';

type Deps = QueueDeps & { readonly now: Date };

/** A worker that wants one certain run. */
export interface RunToClaim {
  readonly taskId: string;
  readonly runId: number;
  readonly worker: lifecycle.WorkerRef;
  readonly authorize: Authorize;
}

/** Gives certain runs to workers. JSON text of each claim. */
export const claimRuns = async (
  tx: Transaction,
  requests: readonly RunToClaim[],
  deps: Deps,
): Promise<Answer<string>[]> => {
  const { now, settings } = deps;
  const takenUntil = takenUntilFrom(now, settings.claimTimeoutSeconds);
  const changes = requests.map(({ taskId, runId, worker, authorize }) => ({
    taskId,
    decide: (task: TaskRecord) => {
      authorize({ ...queueParts(task.taskQueueId), ...worker });
      requireBeforeDeadline(task, now);
      refuseQuarantined(task, worker, deps);
      return lifecycle.claim(task, { runId, worker, takenUntil }, now);
    },
  }));
  const answers = await changeTasks(tx, changes, deps);
  const texts = await claimTexts(tx, requests, { answers, deps, textOf: claimText });
  tx.afterCommit(() => see(requests, answers, deps));
  return texts;
};

const refuseQuarantined = (
  { taskQueueId }: TaskRecord,
  { workerGroup, workerId }: lifecycle.WorkerRef,
  deps: Deps,
): void => {
  if (!deps.isQuarantined(taskQueueId, workerGroup, workerId)) return;
  throw new RequestError(
    'RequestConflict',
    `Worker ${workerGroup}/${workerId} is quarantined; it gets no work.`,
  );
};

/** A claim that a worker wants to prolong. */
export interface RunToReclaim {
  readonly taskId: string;
  readonly runId: number;
}

/** Prolongs claims, with fresh credentials. JSON text of each. */
export const reclaimRuns = async (
  tx: Transaction,
  requests: readonly RunToReclaim[],
  deps: Deps,
): Promise<Answer<string>[]> => {
  const takenUntil = takenUntilFrom(deps.now, deps.settings.claimTimeoutSeconds);
  const changes = requests.map(({ taskId, runId }) => ({
    taskId,
    decide: (task: TaskRecord) => {
      if (task.runs[runId]) requireBeforeDeadline(task, deps.now);
      return lifecycle.reclaim(task, runId, takenUntil);
    },
  }));
  const answers = await changeTasks(tx, changes, deps);
  const held = requests.map((request, i) => ({ ...request, worker: workerOf(answers[i]) }));
  const texts = await claimTexts(tx, held, { answers, deps, textOf: reclaimText });
  tx.afterCommit(() => see(held, answers, { ...deps, keepsClaims: true }));
  return texts;
};

const workerOf = (answer: Answer<TaskRecord> | undefined): lifecycle.WorkerRef => {
  const run = answer && !(answer instanceof RequestError) ? answer.runs.at(-1) : undefined;
  return { workerGroup: run?.workerGroup ?? '', workerId: run?.workerId ?? '' };
};

interface Texts {
  readonly answers: readonly Answer<TaskRecord>[];
  readonly deps: Deps;
  readonly textOf: (claimed: Claimed, now: Date, deps: QueueDeps) => string;
}

const claimTexts = async (
  tx: Transaction,
  requests: readonly { taskId: string; worker: lifecycle.WorkerRef }[],
  { answers, deps, textOf }: Texts,
): Promise<Answer<string>[]> => {
  const claimed = requests
    .filter((_, i) => !(answers[i] instanceof RequestError))
    .map(({ taskId }) => taskId);
  const rows = claimed.length > 0 ? await store.readDefinitions(tx, claimed) : [];
  const definitions = new Map(rows.map((row) => [row.taskId, row.definition]));
  return requests.map(({ taskId, worker }, i): Answer<string> => {
    const record = answers[i] as Answer<TaskRecord>;
    if (record instanceof RequestError) return record;
    return textOf({ record, worker, definition: definitions.get(taskId) ?? '{}' }, deps.now, deps);
  });
};

const see = (
  requests: readonly { taskId: string; runId: number; worker: lifecycle.WorkerRef }[],
  answers: readonly Answer<TaskRecord>[],
  deps: Deps & { keepsClaims?: boolean },
): void => {
  const sightings = requests.flatMap(({ taskId, runId, worker }, i) => {
    const record = answers[i] as Answer<TaskRecord>;
    if (record instanceof RequestError) return [];
    const seen = { taskQueueId: record.taskQueueId, ...worker };
    return [deps.keepsClaims ? seen : { ...seen, claimed: [{ taskId, runId }] }];
  });
  deps.seeWorkers(sightings);
};
