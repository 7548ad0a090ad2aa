import type { Queue } from '@taskyard/client';
import { type Clock, minutes, seconds } from '../clock.ts';
import { backOffMs, statusOf } from '../retry.ts';
import { messageOf, type WorkerLog } from '../worker-log.ts';

/** A run that this worker holds. */
export interface WatchedRun {
  readonly taskId: string;
  readonly runId: number;
  /** Called when the queue has taken the run away. */
  lose(): void;
  /** Aborts when the run needs to be watched no longer. */
  readonly over: AbortSignal;
}

/**
 * Tells of runs that the queue takes away, because their tasks are canceled or past their deadline, as soon as that happens.
 * Nothing rests on it: at the latest a run is found lost when its claim cannot be renewed.
 */
export interface LostRuns {
  watch(run: WatchedRun): void;
  close(): void;
}

export interface LostRunsContext {
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly identity: {
    readonly taskQueueId: string;
    readonly workerGroup: string;
    readonly workerId: string;
  };
  /** The queue as the worker's own credentials see it now. */
  connect(): Queue;
}

// A shorter task costs no call.
const settleMs = seconds(1);

// Between two calls. A run that is added breaks off the call that waits, and with it the connection; and a server that ends
// replies at once.
const pauseMs = 500;

// What the queue takes in one call.
const runsMax = 64;

// A server that does not know the method may be another one by then.
const refusals: readonly number[] = [401, 403, 404, 405];
const refusedForMs = minutes(10);

/** Asks the queue for lost runs by one call that waits, while there are runs to watch. */
export const openLostRuns = (context: LostRunsContext): LostRuns => new RunsWatch(context);

class RunsWatch implements LostRuns {
  readonly #context: LostRunsContext;
  readonly #runs = new Set<WatchedRun>();
  readonly #closed = new AbortController();
  #isWatching = false;
  /** Aborts the call that is waiting, since it does not know of all runs. */
  #renewed = new AbortController();

  constructor(context: LostRunsContext) {
    this.#context = context;
  }

  watch(run: WatchedRun): void {
    const cancel = this.#context.clock.after(settleMs, () => this.#add(run));
    const forget = (): void => {
      cancel();
      this.#runs.delete(run);
    };
    run.over.addEventListener('abort', forget, { once: true });
  }

  close(): void {
    this.#closed.abort();
    this.#renewed.abort();
  }

  #add(run: WatchedRun): void {
    this.#runs.add(run);
    this.#renewed.abort();
    if (this.#isWatching) return;
    this.#isWatching = true;
    void this.#watchAll();
  }

  /** Never rejects. */
  async #watchAll(): Promise<void> {
    const { clock, log } = this.#context;
    const { signal } = this.#closed;
    let failures = 0;
    while (this.#runs.size > 0 && !signal.aborted) {
      await clock.sleep(pauseMs, signal);
      // The queue refuses a call without runs.
      if (signal.aborted || this.#runs.size === 0) break;
      const renewed = new AbortController();
      this.#renewed = renewed;
      try {
        await this.#ask(renewed.signal);
        failures = 0;
      } catch (error) {
        if (renewed.signal.aborted) continue;
        const isRefused = refusals.includes(statusOf(error) ?? 0);
        if (isRefused)
          log.warn({ error: messageOf(error) }, 'canceled tasks go on until their claims are renewed');
        await clock.sleep(isRefused ? refusedForMs : backOffMs(failures++), signal);
      }
    }
    this.#isWatching = false;
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { connect, identity } = this.#context;
    const { taskQueueId, ...worker } = identity;
    const runs = [...this.#runs].slice(0, runsMax);
    const asked = runs.map(({ taskId, runId }) => ({ taskId, runId }));
    const lost = await connect().awaitLostRuns(taskQueueId, { ...worker, runs: asked }, { signal });
    for (const { taskId, runId } of lost.runs)
      runs.find((run) => run.taskId === taskId && run.runId === runId)?.lose();
  }
}
