import type { Verb } from '../../base/index.ts';
import { changeTasks } from '../changes/apply.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import type { ReportedReason } from '../schema/index.ts';

/** How a worker says that a run ended. */
export type Report = {
  readonly taskId: string;
  readonly runId: number;
} & (
  | { readonly end: 'completed' | 'failed' }
  | { readonly end: 'exception'; readonly reason: ReportedReason }
);

/**
 * Ends runs as their workers report it. Safe to repeat: the second report finds the work done. It is accepted past the
 * deadline too, until the deadline loop has acted.
 */
export const resolveRuns: Verb<Report, TaskRecord, Context> = (tx, reports, work) => {
  const attempts = reports.map((report) => ({
    taskId: report.taskId,
    decide: (task: TaskRecord) =>
      report.end === 'exception'
        ? lifecycle.except(task, report.runId, report.reason, work.now)
        : lifecycle.finish(task, report.runId, report.end, work.now),
  }));
  return changeTasks(tx, attempts, work);
};

/** How a report of success is meant: workers of 2014 report failure by it, with `{"success": false}`. */
export const reportedEnd = (body: unknown): 'completed' | 'failed' =>
  (body as { success?: unknown }).success === false ? 'failed' : 'completed';
