import { ApiError, Queue, slugid } from '@taskyard/client';
import { eventually, patienceMs } from '@taskyard/patience';
import type { Credentials } from './platform.ts';

/** Where the platform is at the moment. */
export interface Address {
  readonly rootUrl: string;
  readonly credentials: Credentials;
}

/** Clients that create tasks, and workers that resolve them; whatever fails is tried again until it is answered. */
export interface Load {
  /** Tasks whose creation was answered. */
  readonly acknowledged: ReadonlySet<string>;
  /** How many calls were answered by a failure of the server, and how many by none at all. */
  readonly failures: { server: number; connection: number };
  /** Resolves when all tasks are resolved; rejects when an answer was wrong. */
  readonly done: Promise<void>;
  /** Waits until so many more calls were answered. */
  more(calls: number): Promise<void>;
}

/** What a worker makes of the first run of a task; other runs complete. */
const ends = ['completed', 'completed', 'reclaimed', 'failed', 'completed', 'worker-shutdown'] as const;
type End = (typeof ends)[number];

const taskQueueId = 'load/tasks';

const aTask = (end: End, more: object = {}) => ({
  taskQueueId,
  created: new Date().toJSON(),
  deadline: new Date(Date.now() + 3_600_000).toJSON(),
  payload: { end },
  // Each end of a server in mid-claim costs one.
  retries: 30,
  metadata: { name: end, description: '', owner: 'load@example.com', source: 'https://example.com/' },
  ...more,
});

/** Four tasks: one, two that need it, and one that needs these two. */
const aDiamond = () => {
  const [top, left, right, bottom] = [slugid(), slugid(), slugid(), slugid()] as const;
  const needs = (...dependencies: string[]) => aTask('completed', { dependencies });
  return [
    { taskId: bottom, task: needs(left, right) },
    { taskId: left, task: needs(top) },
    { taskId: right, task: needs(top) },
    { taskId: top, task: aTask('worker-shutdown') },
  ];
};

/** Starts a load of so many rounds: a task by itself and a diamond in each. */
export const startLoad = (
  address: () => Address,
  { rounds, workers = 3 }: { rounds: number; workers?: number },
): Load => {
  const acknowledged = new Set<string>();
  const resolved = new Set<string>();
  const failures = { server: 0, connection: 0 };
  const over = new AbortController();
  let isCreated = false;
  let answered = 0;

  const insist = async <T>(call: (queue: Queue) => Promise<T>): Promise<T> => {
    const attempt = async (): Promise<{ answer?: T; error?: unknown }> => {
      try {
        return { answer: await call(new Queue({ ...address(), retries: 0, timeoutMs: patienceMs / 4 })) };
      } catch (error) {
        over.signal.throwIfAborted();
        if (error instanceof ApiError && error.statusCode < 500) throw error;
        failures[error instanceof ApiError ? 'server' : 'connection']++;
        return { error };
      }
    };
    const { answer } = await eventually('an answer to a call of the load', attempt, (seen) => !seen.error);
    answered++;
    return answer as T;
  };

  const create = async (): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      const [taskId, taskGroupId] = [slugid(), slugid()];
      const task = aTask(ends[round % ends.length] as End);
      const tasks = aDiamond();
      await Promise.all([
        insist((queue) => queue.createTask(taskId, task)).then(() => acknowledged.add(taskId)),
        insist((queue) => queue.createTaskGroupTasks(taskGroupId, { tasks })).then(() => {
          for (const each of tasks) acknowledged.add(each.taskId);
        }),
      ]);
      await eventually(
        'the workers of the load to catch up',
        () => acknowledged.size - resolved.size <= 60 || over.signal.aborted,
      );
    }
    isCreated = true;
  };

  const report = (taskId: string, runId: number, end: End) => (queue: Queue) => {
    if (runId > 0 || end === 'reclaimed') return queue.reportCompleted(taskId, runId);
    if (end === 'worker-shutdown') return queue.reportException(taskId, runId, { reason: end });
    return end === 'failed' ? queue.reportFailed(taskId, runId) : queue.reportCompleted(taskId, runId);
  };

  const perform = async (taskId: string, runId: number, end: End): Promise<void> => {
    try {
      if (end === 'reclaimed') await insist((queue) => queue.reclaimTask(taskId, runId));
      const { status } = await insist(report(taskId, runId, end));
      if (status.state === 'completed' || status.state === 'failed') resolved.add(taskId);
    } catch (error) {
      // The claim has expired meanwhile: somebody else will do it.
      if (!(error instanceof ApiError && error.statusCode === 409)) throw error;
    }
    if (isCreated && resolved.size >= acknowledged.size) over.abort();
  };

  const work = async (workerId: string): Promise<void> => {
    const wanted = { workerGroup: 'load', workerId, tasks: 4 };
    while (!over.signal.aborted) {
      const { tasks } = await insist((queue) =>
        queue.claimWork(taskQueueId, wanted, { signal: over.signal }),
      ).catch((error) => {
        if (over.signal.aborted) return { tasks: [] };
        throw error;
      });
      await Promise.all(
        tasks.map(({ status, runId, task }) =>
          perform(status.taskId, runId, (task.payload as { end: End }).end),
        ),
      );
    }
  };

  const all = [create(), ...Array.from({ length: workers }, (_, i) => work(`worker-${i}`))];
  const done = Promise.all(all).then(
    () => {},
    (error) => {
      over.abort();
      throw error;
    },
  );
  // Heard by whoever awaits it, which may be much later.
  done.catch(() => {});
  return {
    acknowledged,
    failures,
    done,
    more: async (calls) => {
      const wanted = answered + calls;
      await eventually(`${calls} more answers`, () => answered >= wanted || over.signal.aborted);
    },
  };
};
