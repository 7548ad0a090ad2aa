import type { Span } from '@taskyard/tracing';
import { inDatabaseSpan, isConnectionLoss, seconds } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { findHeads } from '../store/index.ts';
import { Deliveries } from './deliveries.ts';
import { Heads } from './heads.ts';
import { type Taken, takeWork, type Waiter } from './take-work.ts';

/** A call of `claimWork`. */
export interface WorkRequest extends Waiter {
  readonly taskQueueId: string;
  /** Aborts when the caller disconnects before the reply is sent. */
  readonly gone: AbortSignal;
}

interface WaitingCall extends Waiter {
  /** The span of the call, where calls are traced. */
  readonly caller: Span | undefined;
  readonly taskQueueId: string;
  /** The time is up, or the caller has disconnected: it can no longer receive claims. */
  isAnswered: boolean;
  answer(claims: readonly Taken[]): void;
}

/** The calls that wait on one task queue. */
interface Line {
  readonly waiting: Set<WaitingCall>;
  /** Whether something may be pending: the line has not been read since the last wake-up. */
  mayHaveWork: boolean;
}

type WaitingByQueue = ReadonlyMap<string, readonly WaitingCall[]>;

/** A wake-up from another process may be lost; then a worker waits this much longer. */
const lookAtLeastEveryMs = seconds(2);
/** What the transactions are called in metrics and traces. */
const batchName = 'claim-work';
/** One transaction takes at most this many runs. */
const takenAtOnceMax = 500;

/**
 * Serves the waiting `claimWork` calls of all task queues of this process:
 *
 * 1. A call joins the line of its task queue.
 * 2. A line is read when it may have work: at first, and after each wake-up. An empty line is not read again before it is
 *    woken, so waiting workers cost nothing.
 * 3. One transaction takes runs for all calls of such lines.
 * 4. Each call returns its claims.
 * 5. Claims whose caller has disconnected are given back.
 * 6. When the time is up, a call returns no claims.
 *
 * Calls of workers in quarantine wait apart from the lines. When a worker is put into quarantine, its waiting call returns
 * no claims. When it is released, its call joins the line.
 */
export class Dispatcher {
  readonly #context: Context;
  readonly #lines = new Map<string, Line>();
  readonly #everybody = new Set<WaitingCall>();
  /** Those of workers in quarantine. */
  readonly #apart = new Set<WaitingCall>();
  readonly #closing = new AbortController();
  readonly #deliveries: Deliveries;
  readonly #heads = new Heads();
  readonly #stopWatching: readonly (() => void)[];
  readonly #looking: Promise<void>;
  #isServing = false;
  #isAboutToServe = false;
  #served: Promise<void> | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#deliveries = new Deliveries(context, this.#closing.signal);
    this.#stopWatching = [
      context.placesTaken.each((places) => this.#heads.heed(places)),
      context.pendingChanged.each((taskQueueIds) => this.#wake(taskQueueIds)),
      context.quarantinesKnown.each(() => this.#heedQuarantines()),
    ];
    this.#looking = this.#lookForLostWakeUps();
  }

  /** How many calls wait. */
  get waiting(): number {
    return this.#everybody.size;
  }

  /** The claims for a worker, JSON text each: as soon as there are any, and none when the time is up. */
  claimWork(request: WorkRequest): Promise<string[]> {
    const { taskQueueId, worker, gone } = request;
    if (this.#closing.signal.aborted || gone.aborted) return Promise.resolve([]);
    this.#context.seeWorkers([{ taskQueueId, ...worker }]);
    return this.#wait(request);
  }

  /** Ends all waiting calls; from then on no call waits. Claims that were made for them meanwhile are given back. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const call of this.#everybody) call.answer([]);
    for (const stop of this.#stopWatching) stop();
    await this.#looking;
    await this.#served;
    await this.#deliveries.settle();
  }

  #lineOf(taskQueueId: string): Line {
    let line = this.#lines.get(taskQueueId);
    if (!line) {
      line = { waiting: new Set(), mayHaveWork: true };
      this.#lines.set(taskQueueId, line);
    }
    return line;
  }

  #wait({ taskQueueId, worker, count, gone }: WorkRequest): Promise<string[]> {
    const { clock, settings, tracing } = this.#context;
    return new Promise((resolve) => {
      const end = () => call.answer([]);
      const cancel = clock.after(seconds(settings.longPollSeconds), end);
      const call: WaitingCall = {
        caller: tracing?.current(),
        taskQueueId,
        worker,
        count,
        isAnswered: false,
        answer: (claims) => {
          call.isAnswered = true;
          cancel();
          gone.removeEventListener('abort', end);
          this.#leave(call);
          // The caller may disconnect before it has read the reply.
          if (claims.length > 0)
            gone.addEventListener('abort', () => this.#deliveries.giveBack(claims), { once: true });
          resolve(claims.map(({ text }) => text));
        },
      };
      gone.addEventListener('abort', end, { once: true });
      this.#everybody.add(call);
      if (this.#isQuarantined(call)) this.#apart.add(call);
      else this.#join(call);
    });
  }

  #join(call: WaitingCall): void {
    const line = this.#lineOf(call.taskQueueId);
    line.waiting.add(call);
    if (line.mayHaveWork) this.#serveSoon();
  }

  #leave(call: WaitingCall): void {
    this.#everybody.delete(call);
    this.#apart.delete(call);
    const line = this.#lines.get(call.taskQueueId);
    line?.waiting.delete(call);
    if (line?.waiting.size === 0) this.#lines.delete(call.taskQueueId);
  }

  #isQuarantined({ taskQueueId, worker }: WaitingCall): boolean {
    return this.#context.isQuarantined(taskQueueId, worker.workerGroup, worker.workerId);
  }

  #heedQuarantines(): void {
    for (const call of this.#everybody) {
      const isQuarantined = this.#isQuarantined(call);
      if (isQuarantined && !this.#apart.has(call)) call.answer([]);
      if (!isQuarantined && this.#apart.delete(call)) this.#join(call);
    }
  }

  #wake(taskQueueIds: readonly string[]): void {
    if (taskQueueIds.length === 0) for (const line of this.#lines.values()) line.mayHaveWork = true;
    this.#mark(taskQueueIds, true);
    this.#serve();
  }

  /** Calls that were read from the network in the same turn of the event loop are served together. */
  #serveSoon(): void {
    if (this.#isAboutToServe) return;
    this.#isAboutToServe = true;
    setImmediate(() => {
      this.#isAboutToServe = false;
      this.#serve();
    });
  }

  #serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    this.#served = this.#serveAll();
  }

  async #serveAll(): Promise<void> {
    const { turns, log } = this.#context;
    try {
      while (this.#callsToServe(1).size > 0) {
        const endTurn = await turns?.take();
        await this.#serveTogether(this.#callsToServe(takenAtOnceMax)).finally(endTurn);
      }
    } catch (err) {
      log.error({ err }, 'pending runs could not be taken');
    } finally {
      this.#isServing = false;
    }
  }

  /** Calls whose task queue may have work, for at most this many runs or a little more. */
  #callsToServe(runsMax: number): Map<string, WaitingCall[]> {
    const chosen = new Map<string, WaitingCall[]>();
    let runs = 0;
    for (const [taskQueueId, { waiting, mayHaveWork }] of this.#lines) {
      if (!mayHaveWork) continue;
      for (const call of waiting) {
        if (runs >= runsMax) return chosen;
        const calls = chosen.get(taskQueueId);
        if (calls) calls.push(call);
        else chosen.set(taskQueueId, [call]);
        runs += call.count;
      }
    }
    return chosen;
  }

  /** A task queue whose runs cannot be taken must not block the others. */
  async #serveTogether(calls: WaitingByQueue): Promise<void> {
    try {
      await this.#serveOnce(calls);
    } catch (error) {
      if (calls.size <= 1 || isConnectionLoss(error)) throw error;
      for (const one of calls)
        await this.#serveOnce(new Map([one])).catch((err) => this.#passOver(one[0], err));
    }
  }

  #passOver(taskQueueId: string, err: unknown): void {
    this.#context.log.error({ err, taskQueueId }, 'pending runs of a task queue could not be taken');
    // It is read again when it is woken, or with all task queues.
    this.#mark([taskQueueId], false);
  }

  async #serveOnce(calls: WaitingByQueue): Promise<void> {
    // Callers may have disconnected before this turn.
    if (calls.size === 0) return;
    const { observeBatch } = this.#context;
    // Cleared before the read: a line that is woken during the read is read again.
    this.#mark(calls.keys(), false);
    const started = performance.now();
    const taken = await this.#take(calls).catch((error) => {
      this.#mark(calls.keys(), true);
      throw error;
    });
    const items = [...calls.values()].reduce((sum, { length }) => sum + length, 0);
    observeBatch?.(batchName, { items, seconds: (performance.now() - started) / 1000 });
    const claims = claimsByWaiter(taken);
    // All calls were satisfied, so there may be more runs for the next ones.
    this.#mark(queuesThatGaveAll(calls, claims), true);
    this.#handOut(calls, claims);
  }

  #take(calls: WaitingByQueue): Promise<Taken[]> {
    const callers = this.#context.tracing ? [...calls.values()].flat() : [];
    return inDatabaseSpan(this.#context.tracing, { name: batchName, callers }, () =>
      this.#deliveries.take(
        (tx, now) => takeWork(tx, { waiting: calls, heads: this.#heads }, { now, context: this.#context }),
        (found) => this.#handOut(calls, claimsByWaiter(found)),
      ),
    );
  }

  #mark(taskQueueIds: Iterable<string>, mayHaveWork: boolean): void {
    for (const taskQueueId of taskQueueIds) {
      const line = this.#lines.get(taskQueueId);
      if (line) line.mayHaveWork = mayHaveWork;
    }
  }

  #handOut(calls: WaitingByQueue, claims: ReadonlyMap<Waiter, readonly Taken[]>): void {
    const unwanted: Taken[] = [];
    for (const [taskQueueId, served] of calls) {
      for (const call of served) {
        const runs = claims.get(call);
        if (!runs) continue;
        if (call.isAnswered) unwanted.push(...runs);
        else {
          call.answer(runs);
          const claimed = runs.map(({ taskId, held }) => ({ taskId, runId: held.runId }));
          this.#context.seeWorkers([{ taskQueueId, ...call.worker, claimed }]);
        }
      }
    }
    this.#deliveries.giveBack(unwanted);
  }

  async #lookForLostWakeUps(): Promise<void> {
    const { clock, db } = this.#context;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await clock.sleep(lookAtLeastEveryMs, signal);
      // There is no wake-up when a quarantine ends by its date.
      this.#heedQuarantines();
      const empty = [...this.#lines].flatMap(([id, { mayHaveWork }]) => (mayHaveWork ? [] : [id]));
      if (signal.aborted) break;
      if (empty.length > 0) {
        const parts = empty.flatMap((taskQueueId) => this.#heads.partsOf(taskQueueId));
        const found = await findHeads(db, parts, clock.now()).catch(() => []);
        this.#mark(
          found.map(({ taskQueueId }) => taskQueueId),
          true,
        );
      }
      this.#mark(await this.#heads.lookBehind({ db, clock }, empty).catch(() => []), true);
      // Also when nothing was found, since a failed read is repeated.
      this.#serve();
    }
  }
}

const claimsByWaiter = (taken: readonly Taken[]): Map<Waiter, Taken[]> => {
  const claims = new Map<Waiter, Taken[]>();
  for (const run of taken) {
    const known = claims.get(run.waiter);
    if (known) known.push(run);
    else claims.set(run.waiter, [run]);
  }
  return claims;
};

/** The task queues that had as many runs as their calls wanted. */
const queuesThatGaveAll = (calls: WaitingByQueue, claims: ReadonlyMap<Waiter, readonly Taken[]>): string[] =>
  [...calls].flatMap(([taskQueueId, served]) => {
    const wanted = served.reduce((sum, { count }) => sum + count, 0);
    const got = served.reduce((sum, call) => sum + (claims.get(call)?.length ?? 0), 0);
    return got >= wanted ? [taskQueueId] : [];
  });
