import { ApiError, Queue, slugid } from '@taskyard/client';
import { eventually, patienceMs } from '@taskyard/patience';
import type { Credentials } from './platform.ts';

/** Where the platform is at the moment. */
export interface Address {
  readonly rootUrl: string;
  readonly credentials: Credentials;
}

/** Clients that create tasks, and workers that resolve them. A call that fails is repeated until it is answered. */
export interface Load {
  /** Tasks whose creation was answered. */
  readonly acknowledged: ReadonlySet<string>;
  /** How many calls were answered by a failure of the server, and how many by none at all. */
  readonly failures: { server: number; connection: number };
  /** Resolves when all tasks are resolved; rejects when an answer was wrong. */
  readonly done: Promise<void>;
  /** Waits until this number of further calls was answered. */
  more(calls: number): Promise<void>;
}

/** What a worker makes of the first run of a task; other runs complete. */
export const ends = [
  'completed',
  'completed',
  'reclaimed',
  'failed',
  'completed',
  'worker-shutdown',
] as const;
export type End = (typeof ends)[number];

/** Where its tasks wait. */
export const taskQueueId = 'load/tasks';

/** A task of the load, which ends as its payload says. */
export const aLoadTask = (end: End, more: object = {}) => ({
  taskQueueId,
  created: new Date().toJSON(),
  deadline: new Date(Date.now() + 3_600_000).toJSON(),
  payload: { end },
  // A server that ends during a claim costs one.
  retries: 30,
  metadata: { name: end, description: '', owner: 'load@example.com', source: 'https://example.com/' },
  ...more,
});

/** Four tasks: one, two that need it, and one that needs these two. */
export const aDiamond = () => {
  const [top, left, right, bottom] = [slugid(), slugid(), slugid(), slugid()] as const;
  const needs = (...dependencies: string[]) => aLoadTask('completed', { dependencies });
  return [
    { taskId: bottom, task: needs(left, right) },
    { taskId: left, task: needs(top) },
    { taskId: right, task: needs(top) },
    { taskId: top, task: aLoadTask('worker-shutdown') },
  ];
};

/** What a worker does at the end of a run. */
export const report = (taskId: string, runId: number, end: End) => (queue: Queue) => {
  if (runId > 0 || end === 'reclaimed') return queue.reportCompleted(taskId, runId);
  if (end === 'worker-shutdown') return queue.reportException(taskId, runId, { reason: end });
  return end === 'failed' ? queue.reportFailed(taskId, runId) : queue.reportCompleted(taskId, runId);
};

class RunningLoad implements Load {
  readonly acknowledged = new Set<string>();
  readonly failures = { server: 0, connection: 0 };
  readonly done: Promise<void>;
  readonly #address: () => Address;
  readonly #resolved = new Set<string>();
  readonly #over = new AbortController();
  #isCreated = false;
  #answered = 0;

  constructor(address: () => Address, { rounds, workers }: { rounds: number; workers: number }) {
    this.#address = address;
    const work = Array.from({ length: workers }, (_, i) => this.#work(`worker-${i}`));
    this.done = Promise.all([this.#create(rounds), ...work]).then(
      () => {},
      (error) => {
        this.#over.abort();
        throw error;
      },
    );
    // Whoever awaits `done` hears of its failure, which may be much later.
    this.done.catch(() => {});
  }

  async more(calls: number): Promise<void> {
    const wanted = this.#answered + calls;
    await eventually(`${calls} more answers`, () => this.#answered >= wanted || this.#over.signal.aborted);
  }

  /** Repeats a call until the server has answered it. A refusal is thrown. */
  async #insist<T>(call: (queue: Queue) => Promise<T>): Promise<T> {
    const attempt = async (): Promise<{ answer?: T; error?: unknown }> => {
      try {
        const queue = new Queue({ ...this.#address(), retries: 0, timeoutMs: patienceMs / 4 });
        return { answer: await call(queue) };
      } catch (error) {
        this.#over.signal.throwIfAborted();
        if (error instanceof ApiError && error.statusCode < 500) throw error;
        this.failures[error instanceof ApiError ? 'server' : 'connection']++;
        return { error };
      }
    };
    const { answer } = await eventually('an answer to a call of the load', attempt, (seen) => !seen.error);
    this.#answered++;
    return answer as T;
  }

  async #create(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const [taskId, taskGroupId] = [slugid(), slugid()];
      const task = aLoadTask(ends[round % ends.length] as End);
      const tasks = aDiamond();
      await Promise.all([
        this.#insist((queue) => queue.createTask(taskId, task)).then(() => this.acknowledged.add(taskId)),
        this.#insist((queue) => queue.createTaskGroupTasks(taskGroupId, { tasks })).then(() => {
          for (const each of tasks) this.acknowledged.add(each.taskId);
        }),
      ]);
      await eventually(
        'the workers of the load to catch up',
        () => this.acknowledged.size - this.#resolved.size <= 60 || this.#over.signal.aborted,
      );
    }
    this.#isCreated = true;
  }

  async #perform(taskId: string, runId: number, end: End): Promise<void> {
    try {
      if (end === 'reclaimed') await this.#insist((queue) => queue.reclaimTask(taskId, runId));
      const { status } = await this.#insist(report(taskId, runId, end));
      if (status.state === 'completed' || status.state === 'failed') this.#resolved.add(taskId);
    } catch (error) {
      // The claim has expired meanwhile: another worker will do it.
      if (!(error instanceof ApiError && error.statusCode === 409)) throw error;
    }
    if (this.#isCreated && this.#resolved.size >= this.acknowledged.size) this.#over.abort();
  }

  async #work(workerId: string): Promise<void> {
    const { signal } = this.#over;
    const wanted = { workerGroup: 'load', workerId, tasks: 4 };
    while (!signal.aborted) {
      const { tasks } = await this.#insist((queue) => queue.claimWork(taskQueueId, wanted, { signal })).catch(
        (error) => {
          if (signal.aborted) return { tasks: [] };
          throw error;
        },
      );
      await Promise.all(
        tasks.map(({ status, runId, task }) =>
          this.#perform(status.taskId, runId, (task.payload as { end: End }).end),
        ),
      );
    }
  }
}

/** Starts a load; each round creates one task and a diamond of four. */
export const startLoad = (
  address: () => Address,
  { rounds, workers = 3 }: { rounds: number; workers?: number },
): Load => new RunningLoad(address, { rounds, workers });
