import { type Answer, RequestError, type Transaction, together } from '../../base/index.ts';
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

/** Gives certain runs to workers. JSON text of each claim; an empty object for a worker in quarantine. */
export const claimRuns = async (
  tx: Transaction,
  requests: readonly RunToClaim[],
  deps: Deps,
): Promise<Answer<string>[]> => {
  const { now, settings } = deps;
  const takenUntil = takenUntilFrom(now, settings.claimTimeoutSeconds);
  const quarantined = new Set<RunToClaim>();
  const changes = requests.map((request) => ({
    taskId: request.taskId,
    decide: (task: TaskRecord): lifecycle.Outcome => {
      const { runId, worker, authorize } = request;
      authorize({ ...queueParts(task.taskQueueId), ...worker });
      requireBeforeDeadline(task, now);
      if (deps.isQuarantined(task.taskQueueId, worker.workerGroup, worker.workerId)) {
        quarantined.add(request);
        return { kind: 'unchanged' };
      }
      return lifecycle.claim(task, { runId, worker, takenUntil }, now);
    },
  }));
  const [answers, definitions] = await together(changeTasks(tx, changes, deps), definitionsOf(tx, requests));
  const isGiven = (_: unknown, i: number): boolean => !quarantined.has(requests[i] as RunToClaim);
  tx.afterCommit(() => see(requests.filter(isGiven), answers.filter(isGiven), deps));
  const texts = claimTexts(requests.filter(isGiven), {
    answers: answers.filter(isGiven),
    definitions,
    deps,
    textOf: claimText,
  });
  // Workers in quarantine are told nothing: the original's reply for them has no field.
  return requests.map((request) => (quarantined.has(request) ? noClaim : (texts.shift() as Answer<string>)));
};

/** What a worker in quarantine gets for a claim. */
export const noClaim = '{}';

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
  const [answers, definitions] = await together(changeTasks(tx, changes, deps), definitionsOf(tx, requests));
  const held = requests.map((request, i) => ({ ...request, worker: workerOf(answers[i]) }));
  tx.afterCommit(() => see(held, answers, { ...deps, keepsClaims: true }));
  return claimTexts(held, { answers, definitions, deps, textOf: reclaimText });
};

const workerOf = (answer: Answer<TaskRecord> | undefined): lifecycle.WorkerRef => {
  const run = answer && !(answer instanceof RequestError) ? answer.runs.at(-1) : undefined;
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

interface Texts {
  readonly answers: readonly Answer<TaskRecord>[];
  readonly definitions: ReadonlyMap<string, string>;
  readonly deps: Deps;
  readonly textOf: (claimed: Claimed, now: Date, deps: QueueDeps) => string;
}

const claimTexts = (
  requests: readonly { taskId: string; worker: lifecycle.WorkerRef }[],
  { answers, definitions, deps, textOf }: Texts,
): Answer<string>[] =>
  requests.map(({ taskId, worker }, i): Answer<string> => {
    const record = answers[i] as Answer<TaskRecord>;
    if (record instanceof RequestError) return record;
    return textOf({ record, worker, definition: definitions.get(taskId) ?? '{}' }, deps.now, deps);
  });

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
