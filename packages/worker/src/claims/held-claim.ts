import { Index, Queue, type TaskClaimResponse } from '@taskyard/client';
import type { Tracing } from '@taskyard/tracing';
import { type Clock, minutes } from '../clock.ts';
import { statusOf, withRetries } from '../retry.ts';
import { messageOf, type WorkerLog } from '../worker-log.ts';
import type { LostRuns } from './lost-runs.ts';

/** A claimed run, which is this worker's as long as the claim is renewed in time. */
export interface HeldClaim {
  readonly taskId: string;
  readonly runId: number;
  readonly task: TaskClaimResponse['task'];
  /** Present where traces are exported. */
  readonly tracing?: Tracing | undefined;
  /** Aborts when the run is no longer ours: canceled, past its deadline, or claimed for too long. */
  readonly lost: AbortSignal;
  /** The newest credentials of the task. */
  credentials(): TaskClaimResponse['credentials'];
  /** Signed with these. */
  queue(): Queue;
  /** Signed with the same. */
  index(): Index;
  /** A call to the queue, repeated while the server is unreachable. */
  call<T>(use: (queue: Queue) => Promise<T>, limits: CallLimits): Promise<T>;
  /** Stops the renewals. */
  letGo(): void;
}

export interface CallLimits {
  readonly giveUpAfterMs: number;
  readonly signal: AbortSignal;
}

export interface ClaimKeeping {
  readonly rootUrl: string;
  readonly clock: Clock;
  readonly log: WorkerLog;
  /** Hears of runs that are taken away before a renewal is refused. */
  readonly lostRuns?: LostRuns | undefined;
  /** Present where traces are exported. */
  readonly tracing?: Tracing | undefined;
}

// The original's workers renew claims (of 20 minutes) three minutes before their end.
const renewalLeadMs = minutes(3);

/** When to renew, in ms from the moment of a claim that lasts this many ms. */
export const renewAfterMs = (lengthMs: number): number =>
  Math.max(lengthMs - renewalLeadMs, (lengthMs * 2) / 3);

/**
 * Keeps a claim: renews it in time, with fresh credentials each time. Times are the server's; the difference between its
 * clock and ours follows from the start of the run.
 */
export const holdClaim = (
  claimed: TaskClaimResponse,
  { rootUrl, clock, log, lostRuns, tracing }: ClaimKeeping,
): HeldClaim => {
  const { task, runId, status } = claimed;
  const { taskId } = status;
  const lost = new AbortController();
  const over = new AbortController();
  const headers = tracing && (() => tracing.headersFor({ taskId, runId }));
  const connect = (credentials: TaskClaimResponse['credentials']): Queue =>
    new Queue({ rootUrl, credentials, retries: 0, headers });
  const started = status.runs[runId]?.started;
  const offsetMs = started === undefined ? 0 : Date.parse(started) - clock.now().getTime();
  let { credentials } = claimed;
  let queue = connect(credentials);
  let takenUntil = Date.parse(claimed.takenUntil) - offsetMs;

  const lose = (reason: string): void => {
    if (over.signal.aborted) return;
    log.warn({ taskId, runId, reason }, 'the claim is lost');
    over.abort();
    lost.abort(new Error(reason));
  };

  lostRuns?.watch({ taskId, runId, lose: () => lose('the queue took it away'), over: over.signal });

  const renew = async (): Promise<void> => {
    const leftMs = takenUntil - clock.now().getTime();
    // An attempt may hang for longer than the claim lasts.
    const cancelEnd = clock.after(leftMs, () => lose('it expired before the queue answered'));
    try {
      const reply = await withRetries(() => queue.reclaimTask(taskId, runId, { signal: over.signal }), {
        clock,
        signal: over.signal,
        giveUpAfterMs: leftMs,
        delayMaxMs: Math.max(leftMs / 6, 200),
      });
      credentials = reply.credentials;
      queue = connect(credentials);
      takenUntil = Date.parse(reply.takenUntil) - offsetMs;
    } finally {
      cancelEnd();
    }
  };

  const keep = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await clock.sleep(renewAfterMs(takenUntil - clock.now().getTime()), over.signal);
      if (!over.signal.aborted) await renew();
    }
  };
  keep().catch((error) => {
    const status = statusOf(error);
    lose(status === 409 ? 'the queue gave it to no one or to somebody else' : messageOf(error));
  });

  return {
    taskId,
    runId,
    task,
    tracing,
    lost: lost.signal,
    credentials: () => credentials,
    queue: () => queue,
    index: () => new Index({ rootUrl, credentials, retries: 3 }),
    // A reply of 401 may be due to credentials that were renewed while the call was on its way; they are
    // taken again for each attempt.
    call: (use, limits) => withRetries(() => use(queue), { ...limits, clock }),
    letGo: () => over.abort(),
  };
};
