import { isConnectionLoss, seconds } from '../base/index.ts';
import type { QueueDeps } from './context.ts';
import { createDeliveries } from './deliveries.ts';
import { type Taken, takeWork, type Waiter } from './service/take-work.ts';
import { queuesWithPending } from './store/index.ts';

/** A call of `claimWork`. */
export interface WorkRequest extends Waiter {
  readonly taskQueueId: string;
  /** Aborts when the caller has gone before all of the answer was on its way. */
  readonly gone: AbortSignal;
}

export interface Dispatcher {
  /** The claims for a worker, JSON text each: as soon as there are any, and none when the time is up. */
  claimWork(request: WorkRequest): Promise<string[]>;
  /** Answers all who wait, and nobody waits from then on; what was taken for them meanwhile is given back. */
  close(): Promise<void>;
}

interface Waiting extends Waiter {
  /** The time was up, or the caller has gone: what is taken from now on reaches nobody. */
  isAnswered: boolean;
  answer(claims: readonly Taken[]): void;
}

interface Line {
  readonly waiting: Set<Waiting>;
  /** Something may be pending: nobody has looked since the last wake-up. */
  mayHaveWork: boolean;
}

/** A wake-up of another process may get lost; then a worker waits this much longer. */
const lookAtLeastEveryMs = seconds(2);
/** So many runs are taken by one transaction at most. */
const takenAtOnceMax = 500;

/**
 * Serves the waiting calls of all task queues of this process: one statement takes runs for everybody whose queue may
 * hold some. A queue that was found empty is not looked at again before it is woken, so waiting workers cost nothing.
 */
export const createDispatcher = (deps: QueueDeps): Dispatcher => {
  const lines = new Map<string, Line>();
  const everybody = new Set<Waiting>();
  const closing = new AbortController();
  const deliveries = createDeliveries(deps, closing.signal);
  let isServing = false;
  let served: Promise<void> | undefined;

  const lineOf = (taskQueueId: string): Line => {
    let line = lines.get(taskQueueId);
    if (!line) {
      line = { waiting: new Set(), mayHaveWork: true };
      lines.set(taskQueueId, line);
    }
    return line;
  };

  const forget = (taskQueueId: string, line: Line): void => {
    if (line.waiting.size === 0) lines.delete(taskQueueId);
  };

  /** Those to serve now, as many as one transaction takes. */
  const hungry = (): Map<string, Waiting[]> => {
    const chosen = new Map<string, Waiting[]>();
    let count = 0;
    for (const [taskQueueId, line] of lines) {
      if (!line.mayHaveWork || line.waiting.size === 0) continue;
      const waiting: Waiting[] = [];
      for (const each of line.waiting) {
        if (count >= takenAtOnceMax) break;
        waiting.push(each);
        count += each.count;
      }
      if (waiting.length > 0) chosen.set(taskQueueId, waiting);
    }
    return chosen;
  };

  const isAnybodyHungry = (): boolean => {
    for (const line of lines.values()) if (line.mayHaveWork && line.waiting.size > 0) return true;
    return false;
  };

  const serveAll = async (): Promise<void> => {
    try {
      while (isAnybodyHungry()) {
        const endTurn = await deps.turns?.take();
        await serveTogether(hungry()).finally(endTurn);
      }
    } catch (err) {
      deps.log.error({ err }, 'pending runs could not be taken');
    } finally {
      isServing = false;
    }
  };

  const serve = (): void => {
    if (isServing) return;
    isServing = true;
    served = serveAll();
  };

  // Calls that were read from the network in the same turn of the event loop are served together.
  let isSoon = false;
  const serveSoon = (): void => {
    if (isSoon) return;
    isSoon = true;
    setImmediate(() => {
      isSoon = false;
      serve();
    });
  };

  /** One queue whose runs cannot be taken must not keep the others from theirs. */
  const serveTogether = async (waiting: Map<string, Waiting[]>): Promise<void> => {
    try {
      await serveOnce(waiting);
    } catch (error) {
      if (waiting.size <= 1 || isConnectionLoss(error)) throw error;
      for (const [taskQueueId, served] of waiting) {
        await serveOnce(new Map([[taskQueueId, served]])).catch((err) => {
          deps.log.error({ err, taskQueueId }, 'pending runs of a task queue could not be taken');
          // It is looked at again when it is woken, or at the next look at all queues.
          lineOf(taskQueueId).mayHaveWork = false;
        });
      }
    }
  };

  const serveOnce = async (waiting: Map<string, Waiting[]>): Promise<void> => {
    // Those who waited may have gone before it was our turn.
    if (waiting.size === 0) return;
    // Cleared before the look: what is woken during it will be looked at again.
    for (const taskQueueId of waiting.keys()) lineOf(taskQueueId).mayHaveWork = false;
    const started = performance.now();
    const taken = await deliveries
      .take(
        (tx, now) => takeWork(tx, waiting, { ...deps, now }),
        (found) => handOut(waiting, byWaiter(found)),
      )
      .catch((error) => {
        for (const taskQueueId of waiting.keys()) lineOf(taskQueueId).mayHaveWork = true;
        throw error;
      });
    const items = [...waiting.values()].reduce((sum, { length }) => sum + length, 0);
    deps.observeBatch?.('claim-work', { items, seconds: (performance.now() - started) / 1000 });
    const claims = byWaiter(taken);
    for (const [taskQueueId, served] of waiting) {
      const wanted = served.reduce((sum, { count }) => sum + count, 0);
      const got = served.reduce((sum, each) => sum + (claims.get(each)?.length ?? 0), 0);
      // All that was wanted was there, so there may be more, for those who come next.
      if (got >= wanted) lineOf(taskQueueId).mayHaveWork = true;
    }
    handOut(waiting, claims);
  };

  const handOut = (waiting: Map<string, Waiting[]>, claims: Map<Waiter, Taken[]>): void => {
    const unwanted: Taken[] = [];
    for (const [taskQueueId, served] of waiting) {
      for (const each of served) {
        const runs = claims.get(each);
        if (!runs) continue;
        if (each.isAnswered) {
          unwanted.push(...runs);
          continue;
        }
        each.answer(runs);
        const claimed = runs.map(({ taskId, held }) => ({ taskId, runId: held.runId }));
        deps.seeWorkers([{ taskQueueId, ...each.worker, claimed }]);
      }
    }
    deliveries.giveBack(unwanted);
  };

  const stopWatching = deps.pendingChanged.each((taskQueueIds) => {
    if (taskQueueIds.length === 0) for (const line of lines.values()) line.mayHaveWork = true;
    for (const taskQueueId of taskQueueIds) {
      const line = lines.get(taskQueueId);
      if (line) line.mayHaveWork = true;
    }
    serve();
  });

  const safetyLook = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await deps.clock.sleep(lookAtLeastEveryMs, closing.signal);
      const empty = [...lines].filter(([, line]) => !line.mayHaveWork).map(([taskQueueId]) => taskQueueId);
      if (empty.length > 0 && !closing.signal.aborted) {
        const found = await queuesWithPending(deps.db, empty, deps.clock.now()).catch(() => []);
        for (const taskQueueId of found) lineOf(taskQueueId).mayHaveWork = true;
      }
      // Also when nothing was found: a look that failed is tried again.
      serve();
    }
  };
  const looking = safetyLook();

  return {
    claimWork: ({ taskQueueId, worker, count, gone }) => {
      if (closing.signal.aborted || gone.aborted) return Promise.resolve([]);
      deps.seeWorkers([{ taskQueueId, ...worker }]);
      const isQuarantined = deps.isQuarantined(taskQueueId, worker.workerGroup, worker.workerId);
      return new Promise((resolve) => {
        const line = isQuarantined
          ? { waiting: new Set<Waiting>(), mayHaveWork: false }
          : lineOf(taskQueueId);
        const end = () => waiting.answer([]);
        const cancel = deps.clock.after(seconds(deps.settings.longPollSeconds), end);
        const waiting: Waiting = {
          worker,
          count,
          isAnswered: false,
          answer: (claims) => {
            waiting.isAnswered = true;
            cancel();
            gone.removeEventListener('abort', end);
            everybody.delete(waiting);
            line.waiting.delete(waiting);
            // The caller may go before it has read the answer.
            if (claims.length > 0) {
              gone.addEventListener('abort', () => deliveries.giveBack(claims), { once: true });
            }
            if (!isQuarantined && lines.get(taskQueueId) === line) forget(taskQueueId, line);
            resolve(claims.map(({ text }) => text));
          },
        };
        gone.addEventListener('abort', end, { once: true });
        everybody.add(waiting);
        line.waiting.add(waiting);
        if (line.mayHaveWork) serveSoon();
      });
    },
    close: async () => {
      closing.abort();
      for (const waiting of everybody) waiting.answer([]);
      stopWatching();
      await looking;
      await served;
      await deliveries.settle();
    },
  };
};

const byWaiter = (taken: readonly Taken[]): Map<Waiter, Taken[]> => {
  const claims = new Map<Waiter, Taken[]>();
  for (const run of taken) claims.set(run.waiter, [...(claims.get(run.waiter) ?? []), run]);
  return claims;
};
