import { ApiError, type Queue, reportRun, signedReport } from '@taskyard/client';
import type { Clock } from '../clock.ts';
import { isTransient, statusOf } from '../retry.ts';
import type { Resolution } from './resolution.ts';

/** The end of a run, and the queue as the credentials of its claim see it. */
export type RunReport = Resolution & {
  readonly taskId: string;
  readonly runId: number;
  readonly queue: Queue;
};

/** Takes reports to the queue. */
export interface Reports {
  /** Resolves when the queue has taken the report. Rejects as the method for one report would, or when the signal aborts. */
  send(report: RunReport, signal: AbortSignal): Promise<void>;
}

interface Waiting {
  readonly report: RunReport;
  readonly signal: AbortSignal;
  resolve(): void;
  reject(error: unknown): void;
}

/** The most reports that the queue takes in one call. */
const reportsMax = 100;

export interface ReportsContext {
  readonly clock: Clock;
  readonly taskQueueId: string;
  /** The queue as the worker's own credentials see it now. */
  connect(): Queue;
}

/** A call that takes longer, because its connection hangs, holds up no other reports. */
const gatherMsMax = 50;

/**
 * Sends reports that fall together in one call: while a call is on its way, the next reports gather. A report that is alone
 * goes by the method for one, and so do all of them to a queue that takes no lists.
 */
export const openReports = ({ clock, taskQueueId, connect }: ReportsContext): Reports => {
  const waiting: Waiting[] = [];
  let isSending = false;
  let takesLists = true;

  const sendList = async (batch: readonly Waiting[]): Promise<void> => {
    const over = new AbortController();
    const signal = allAborted(batch, over.signal);
    try {
      const reports = await Promise.all(
        batch.map(({ report: { queue: own, ...rest } }) => signedReport(own, rest)),
      );
      const answer = await connect().reportRuns(taskQueueId, { reports }, { signal });
      for (const [i, call] of batch.entries()) settle(call, answer.reports[i]?.error);
    } catch (error) {
      if (isTransient(error) || statusOf(error) === undefined) {
        for (const { reject } of batch) reject(error);
        return;
      }
      // What the queue has against the list need not concern the reports. An older one does not know the method.
      if (statusOf(error) === 404) takesLists = false;
      await sendSingly(batch);
    } finally {
      over.abort();
    }
  };

  const drain = async (): Promise<void> => {
    isSending = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, reportsMax).filter(({ signal }) => !signal.aborted);
      const sent = takesLists && batch.length > 1 ? sendList(batch) : sendSingly(batch);
      const gathered = new AbortController();
      await Promise.race([sent, clock.sleep(gatherMsMax, gathered.signal)]);
      gathered.abort();
    }
    isSending = false;
  };

  return {
    send: async (report, signal) => {
      signal.throwIfAborted();
      // The signals of runs depend on one of the worker, which would keep each that still has a listener.
      const over = new AbortController();
      try {
        await new Promise<void>((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { signal: over.signal });
          waiting.push({ report, signal, resolve, reject });
          if (!isSending) void drain();
        });
      } finally {
        over.abort();
      }
    },
  };
};

/** Never rejects: each report is settled on its own. */
const sendSingly = async (batch: readonly Waiting[]): Promise<void> => {
  await Promise.all(
    batch.map(({ report: { queue, ...rest }, signal, resolve, reject }) =>
      reportRun(queue, rest, { signal }).then(() => resolve(), reject),
    ),
  );
};

const settle = (
  { resolve, reject }: Waiting,
  error: { statusCode: number; code: string; message: string } | undefined,
): void => {
  if (error) reject(new ApiError(error.statusCode, error, 'queue.reportRuns'));
  else resolve();
};

/** Aborts when nobody waits for an answer any more. Stops to watch when `over` aborts. */
const allAborted = (batch: readonly Waiting[], over: AbortSignal): AbortSignal => {
  const controller = new AbortController();
  let left = batch.length;
  const leave = (): void => {
    left--;
    if (left === 0) controller.abort(batch[0]?.signal.reason);
  };
  for (const { signal } of batch) signal.addEventListener('abort', leave, { signal: over });
  return controller.signal;
};
