import { partsOf, seconds } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import * as store from '../store/index.ts';

export interface RunRef {
  readonly taskId: string;
  readonly runId: number;
}

/** A call of `awaitLostRuns`. */
export interface LostRunsRequest {
  readonly taskQueueId: string;
  readonly worker: lifecycle.WorkerRef;
  /** The runs that the worker believes to hold. */
  readonly runs: readonly RunRef[];
  /** Aborts when the caller disconnects. */
  readonly gone: AbortSignal;
}

interface WaitingCall extends Pick<LostRunsRequest, 'taskQueueId' | 'worker' | 'runs'> {
  answer(lost: readonly RunRef[]): void;
  fail(error: unknown): void;
}

/** One statement reads the runs of at most this many calls. A call names up to 64. */
const callsAtOnceMax = 32;

/**
 * Serves the waiting `awaitLostRuns` calls of this process. The runs of a call are looked at when it arrives, and again when
 * its worker has lost some; a worker that waits costs nothing. When a wake-up from another process is lost, the
 * worker hears of it by its next call.
 */
export class LostRuns {
  readonly #context: Context;
  readonly #waiting = new Set<WaitingCall>();
  /** Those whose runs are to be looked at. */
  readonly #unsure = new Set<WaitingCall>();
  readonly #stopWatching: () => void;
  #isClosed = false;
  #isLooking = false;
  #looked: Promise<void> | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#stopWatching = context.runsLost.each((losers) => this.#wake(new Set(losers)));
  }

  /** Those of the runs that the worker has lost: as soon as there are any, and none when the time is up. */
  awaitLost({ gone, ...asked }: LostRunsRequest): Promise<readonly RunRef[]> {
    if (this.#isClosed || gone.aborted) return Promise.resolve([]);
    const { clock, settings } = this.#context;
    return new Promise((resolve, reject) => {
      const end = () => call.answer([]);
      const cancel = clock.after(seconds(settings.longPollSeconds), end);
      const leave = () => {
        cancel();
        gone.removeEventListener('abort', end);
        this.#waiting.delete(call);
        this.#unsure.delete(call);
      };
      const call: WaitingCall = {
        ...asked,
        answer: (lost) => {
          leave();
          resolve(lost);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      gone.addEventListener('abort', end, { once: true });
      this.#waiting.add(call);
      this.#unsure.add(call);
      this.#look();
    });
  }

  /** Ends all waiting calls; from then on no call waits. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWatching();
    for (const call of this.#waiting) call.answer([]);
    await this.#looked;
  }

  #wake(losers: ReadonlySet<string>): void {
    for (const call of this.#waiting)
      if (losers.size === 0 || losers.has(lifecycle.holderOf(call.taskQueueId, call.worker)))
        this.#unsure.add(call);
    this.#look();
  }

  #look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#looked = this.#lookAtAll();
  }

  /** Never rejects, since nobody waits for it. */
  async #lookAtAll(): Promise<void> {
    // Calls that were read from the network in the same turn of the event loop are looked at together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#unsure.size > 0) {
      const calls = [...this.#unsure];
      // Cleared before the read: a call that is woken during the read is looked at again.
      this.#unsure.clear();
      for (const some of partsOf(calls, callsAtOnceMax)) await this.#lookAt(some);
    }
    this.#isLooking = false;
  }

  async #lookAt(calls: readonly WaitingCall[]): Promise<void> {
    const { db } = this.#context;
    try {
      const ids = new Set(calls.flatMap(({ runs }) => runs.map(({ taskId }) => taskId)));
      const records = new Map(
        (await store.readRecords(db, [...ids])).map((record) => [record.taskId, record]),
      );
      for (const { worker, runs, answer } of calls) {
        const lost = runs.filter(({ taskId, runId }) =>
          lifecycle.isTakenAway(records.get(taskId), { runId, worker }),
        );
        if (lost.length > 0) answer(lost);
      }
    } catch (error) {
      for (const { fail } of calls) fail(error);
    }
  }
}
