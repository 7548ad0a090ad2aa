import type { ReportRunsRequest, TaskExceptionRequest } from './generated/index.ts';
import type { Queue } from './generated/queue.ts';

/** How a run has ended. */
export type RunEnd =
  | { readonly state: 'completed' | 'failed' }
  | { readonly state: 'exception'; readonly reason: TaskExceptionRequest['reason'] };

const methods = {
  completed: 'reportCompleted',
  failed: 'reportFailed',
  exception: 'reportException',
} as const;

/** Reports the end of one run, with the credentials of its claim. */
export const reportRun = (
  queue: Queue,
  { taskId, runId, ...end }: RunEnd & { readonly taskId: string; readonly runId: number },
  options: { readonly signal?: AbortSignal } = {},
) =>
  end.state === 'exception'
    ? queue.reportException(taskId, runId, { reason: end.reason }, options)
    : queue[methods[end.state]](taskId, runId, options);

/**
 * The report of one run for `reportRuns`, which takes many in one call. `queue` has the credentials of the run's claim, which
 * sign it; `reportRuns` itself is called with the credentials that claim work.
 */
export const signedReport = async (
  queue: Queue,
  report: RunEnd & { readonly taskId: string; readonly runId: number },
): Promise<ReportRunsRequest['reports'][number]> => {
  const { taskId, runId, state } = report;
  // What else the caller knows of the run is not for the server, which would refuse it.
  const end = report.state === 'exception' ? { state: report.state, reason: report.reason } : { state };
  const body = report.state === 'exception' ? [{ reason: report.reason }] : [];
  const authorization = await queue.buildAuthorization(methods[state], taskId, runId, ...body);
  return { taskId, runId, ...end, authorization };
};
