import { later, minutes, RequestError, type Transaction, type Verb, type Work } from '../../base/index.ts';
import { changeTasks, claim, createTasks, type FilledTaskRequest, finish, rerun } from '../../queue/index.ts';
import type { Context } from '../context.ts';
import { isCopy, worker } from '../lifecycle.ts';
import type { PublishedArtifact } from '../reading.ts';

/** A task that another deployment has published, as it is to be here. */
export interface TaskToKeep {
  readonly taskId: string;
  readonly request: FilledTaskRequest;
  readonly artifacts: readonly PublishedArtifact[];
}

const authorize = (): void => {};

// It ends in the same transaction.
const claimMs = minutes(10);

/**
 * Gives the copy a run that is claimed; returns the number of the run and when the task expires. Undefined for a task that
 * needs none: one that is complete, or one of this side. Earlier versions left copies that were not complete.
 */
const begin = async (
  tx: Transaction,
  taskId: string,
  { now, context }: Work<Context>,
): Promise<{ runId: number; expires: Date } | undefined> => {
  const work = { now, context: context.queueContext };
  const [found] = await changeTasks(
    tx,
    [
      {
        taskId,
        decide: (task) =>
          isCopy(task) && task.runs.at(-1)?.state !== 'completed' ? rerun(task, now) : { kind: 'unchanged' },
      },
    ],
    work,
  );
  if (found instanceof RequestError) throw found;
  const run = found?.runs.at(-1);
  if (!found || !run || !isCopy(found) || run.state === 'completed') return undefined;
  const { runId } = run;
  const taken = { runId, worker, takenUntil: later(now, claimMs) };
  const [claimed] = await changeTasks(tx, [{ taskId, decide: (task) => claim(task, taken, now) }], work);
  if (claimed instanceof RequestError) throw claimed;
  return { runId, expires: found.expires };
};

const keep = async (
  tx: Transaction,
  { taskId, request, artifacts }: TaskToKeep,
  work: Work<Context>,
): Promise<void> => {
  const { now, context } = work;
  const queueWork = { now, context: context.queueContext };
  const [made] = await createTasks(tx, [{ taskId, request, authorize }], queueWork);
  // Another process has brought it, or has begun to.
  if (made instanceof RequestError && made.code !== 'RequestConflict') throw made;
  const run = await begin(tx, taskId, work);
  if (!run) return;
  const { runId } = run;
  const items = artifacts.map(({ name, contentType, url, ...artifact }) => {
    const expires = new Date(Math.min(new Date(artifact.expires).getTime(), run.expires.getTime())).toJSON();
    return {
      taskId,
      runId,
      name,
      request: { storageType: 'reference', contentType, url, expires } as const,
      content: undefined,
    };
  });
  await context.artifacts.addArtifacts(tx, items, now);
  const [ended] = await changeTasks(
    tx,
    [{ taskId, decide: (task) => finish(task, runId, 'completed', now) }],
    queueWork,
  );
  if (ended instanceof RequestError) throw ended;
};

/**
 * Makes completed tasks of those that are published elsewhere, each with all of its artifacts or not at all: a process may
 * end at any time. Safe to repeat; what is complete, and what is a task of this side, is left alone.
 */
export const keepTasks: Verb<TaskToKeep, undefined, Context> = async (tx, tasks, work) => {
  for (const task of tasks) await keep(tx, task, work);
  return tasks.map(() => undefined);
};
