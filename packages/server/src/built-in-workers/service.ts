import type { QueueVerbs } from '../queue/index.ts';
import { type BuiltInName, endOf, taskQueueOf, workerGroup } from './lifecycle.ts';

/** What the built-in workers need of the queue. */
export type BuiltInQueue = Pick<QueueVerbs, 'claimWork' | 'listClaimed' | 'resolveRuns'>;

/** A run that a built-in worker holds. */
interface Held {
  readonly taskId: string;
  readonly runId: number;
  readonly task: { readonly payload: unknown };
}

/** Ends what is pending, as it comes: up to this many tasks, or fewer when nothing has come for a while. Returns how many. */
export const resolvePending = async (
  queue: BuiltInQueue,
  name: BuiltInName,
  limit: number,
): Promise<number> => {
  let resolved = 0;
  while (resolved < limit) {
    const claims = await queue.claimWork({
      taskQueueId: taskQueueOf(name),
      worker: { workerGroup, workerId: name },
      count: limit - resolved,
      // Nobody is at the other end who could go away.
      gone: new AbortController().signal,
    });
    if (claims.length === 0) break;
    await resolve(queue, name, claims.map(heldBy));
    resolved += claims.length;
  }
  return resolved;
};

/**
 * Ends what a process claimed and did not come to end. It may take what another process is about to end, which then finds
 * the work done.
 */
export const resolveLeftOver = async (
  queue: BuiltInQueue,
  name: BuiltInName,
  limit: number,
): Promise<number> => {
  const page = JSON.parse(await queue.listClaimed({ taskQueueId: taskQueueOf(name), limit })) as {
    tasks: (Held & { workerGroup: string; workerId: string })[];
  };
  // Others may work on the queue too, if they have the scopes; what is theirs they end themselves.
  const ours = page.tasks.filter((held) => held.workerGroup === workerGroup && held.workerId === name);
  await resolve(queue, name, ours);
  return ours.length;
};

const heldBy = (claim: string): Held => {
  const { status, runId, task } = JSON.parse(claim) as Omit<Held, 'taskId'> & { status: { taskId: string } };
  return { taskId: status.taskId, runId, task };
};

// The answers are not looked at: a run that cannot be ended was canceled meanwhile, or its deadline has passed.
const resolve = (queue: BuiltInQueue, name: BuiltInName, held: readonly Held[]) =>
  queue.resolveRuns.all(
    held.map(({ taskId, runId, task }) => ({ taskId, runId, ...endOf(name, task.payload) })),
  );
