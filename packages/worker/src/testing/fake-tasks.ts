import type { IncomingMessage } from 'node:http';
import { slugid } from '@taskyard/client';
import { within } from '@taskyard/patience';

/** An artifact as it was created, and the bytes that were uploaded for it. */
export interface FakeArtifact {
  readonly storageType: string;
  readonly contentType: string;
  readonly expires: string;
  readonly url?: string;
  readonly artifact?: string;
  readonly reason?: string;
  readonly bytes?: Buffer;
  readonly headers?: IncomingMessage['headers'];
}

export interface FakeRun {
  state: 'pending' | 'running' | 'completed' | 'failed' | 'exception';
  reason?: string;
  started?: Date;
  takenUntil?: Date;
  workerId?: string;
  reclaims: number;
  readonly artifacts: Map<string, FakeArtifact>;
}

export interface FakeTask {
  readonly taskId: string;
  readonly definition: Record<string, unknown>;
  readonly runs: FakeRun[];
}

export interface FakeTasksOptions {
  /** How long claims last. Default 20 minutes. */
  readonly claimMs?: number;
  /** The time of claims. Default: that of this machine. */
  readonly now?: () => Date;
}

/** The body of a request or a reply. */
export type Json = Record<string, unknown>;

/** A request that the queue refuses, with the HTTP status of the reply. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A refusal of one of many. */
export const refusalIn = (error: unknown): Json => {
  if (!(error instanceof Refusal)) throw error;
  return { statusCode: error.status, code: 'Refused', message: error.message };
};

const emptyRun = (): FakeRun => ({ state: 'pending', reclaims: 0, artifacts: new Map() });

/** The tasks of a queue. Runs change state only as the real queue lets them, and everything that was reported is kept. */
export class FakeTasks {
  readonly tasks = new Map<string, FakeTask>();
  readonly #claimMs: number;
  readonly #now: () => Date;
  #watchers: (() => void)[] = [];

  constructor({ claimMs = 1_200_000, now = () => new Date() }: FakeTasksOptions) {
    this.#claimMs = claimMs;
    this.#now = now;
  }

  /** Wakes everything that waits for a change. */
  changed(): void {
    const waking = this.#watchers;
    this.#watchers = [];
    for (const wake of waking) wake();
  }

  /** Resolves at the next change. */
  nextChange(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  /** Resolves when the condition holds. It is tried after every change. */
  until(condition: () => boolean): Promise<void> {
    const fulfilled = async (): Promise<void> => {
      while (!condition()) await this.nextChange();
    };
    return within(`the queue to fulfil ${condition}`, fulfilled());
  }

  /** Adds a pending task; returns its id. */
  addTask(payload: Json, overrides: Json = {}): string {
    const taskId = slugid();
    const created = this.#now().getTime();
    const definition = {
      taskQueueId: 'test/worker',
      taskGroupId: taskId,
      dependencies: [],
      scopes: [],
      created: new Date(created).toJSON(),
      deadline: new Date(created + 3_600_000).toJSON(),
      expires: new Date(created + 7_200_000).toJSON(),
      metadata: { name: 'a task', description: '', owner: 'me', source: 'https://example.com' },
      payload,
      ...overrides,
    };
    this.tasks.set(taskId, { taskId, definition, runs: [emptyRun()] });
    this.changed();
    return taskId;
  }

  run(taskId: string, runId = 0): FakeRun {
    const run = this.tasks.get(taskId)?.runs[runId];
    if (!run) throw new Error(`There is no run ${runId} of ${taskId}.`);
    return run;
  }

  /** Waits until the run is resolved. */
  async resolved(taskId: string, runId = 0): Promise<FakeRun> {
    const run = (): FakeRun | undefined => this.tasks.get(taskId)?.runs[runId];
    await this.until(() => !['pending', 'running', undefined].includes(run()?.state));
    return run() as FakeRun;
  }

  /** Ends the claims that were not renewed in time, so that their tasks are tried again. */
  expireClaims(at = this.#now()): void {
    for (const { runs } of this.tasks.values()) {
      const run = runs.at(-1);
      if (run?.state !== 'running' || !run.takenUntil || run.takenUntil > at) continue;
      run.state = 'exception';
      run.reason = 'claim-expired';
      runs.push(emptyRun());
    }
    this.changed();
  }

  find(taskId: string): FakeTask {
    const task = this.tasks.get(taskId);
    if (!task) throw new Refusal(404, 'There is no such task.');
    return task;
  }

  pending(): FakeTask[] {
    return [...this.tasks.values()].filter(({ runs }) => runs.at(-1)?.state === 'pending');
  }

  statusOf({ taskId, runs, definition }: FakeTask): Json {
    return {
      taskId,
      state: runs.at(-1)?.state,
      taskGroupId: definition.taskGroupId,
      runs: runs.map(({ state, started, takenUntil }, runId) => ({ runId, state, started, takenUntil })),
    };
  }

  runningRun(task: FakeTask, runId: number): FakeRun {
    const run = task.runs[runId];
    if (!run) throw new Refusal(404, 'There is no such run.');
    if (run.state !== 'running') throw new Refusal(409, `The run is ${run.state}.`);
    return run;
  }

  /** Gives the last run of a pending task to a worker. */
  claim(task: FakeTask, { workerGroup, workerId }: Json): Json {
    const run = task.runs.at(-1) as FakeRun;
    run.state = 'running';
    run.started = this.#now();
    run.workerId = workerId as string;
    return { ...this.#take(task, run), workerGroup, workerId, task: task.definition };
  }

  reclaim(task: FakeTask, runId: number): Json {
    const run = this.runningRun(task, runId);
    run.reclaims++;
    return this.#take(task, run);
  }

  resolve(task: FakeTask, runId: number, state: FakeRun['state'], reason: string): Json {
    const run = task.runs[runId];
    if (run?.state === state && run.reason === reason) return { status: this.statusOf(task) };
    const running = this.runningRun(task, runId);
    running.state = state;
    running.reason = reason;
    if (reason === 'worker-shutdown' || reason === 'intermittent-task') task.runs.push(emptyRun());
    return { status: this.statusOf(task) };
  }

  #take(task: FakeTask, run: FakeRun): Json {
    run.takenUntil = new Date(this.#now().getTime() + this.#claimMs);
    const runId = task.runs.indexOf(run);
    const clientId = `task-client/${task.taskId}/${runId}/${run.reclaims}`;
    return {
      status: this.statusOf(task),
      runId,
      takenUntil: run.takenUntil.toJSON(),
      credentials: { clientId, accessToken: 'secret', certificate: '{}' },
    };
  }
}
