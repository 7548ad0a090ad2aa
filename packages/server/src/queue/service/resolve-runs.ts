import type { Verb } from '../../base/index.ts';
import { changeTasks } from '../changes/apply.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import type { TaskRecord } from '../record.ts';
import type { ReportedReason } from '../schema/index.ts';

/** The end of a run, as a worker reports it. */
export type Report = {
  readonly taskId: string;
  readonly runId: number;
} & (
  | { readonly end: 'completed' | 'failed' }
  | { readonly end: 'exception'; readonly reason: ReportedReason }
);

/**
 * Ends runs as their workers report. Safe to repeat: a second report changes nothing. Reports are accepted after the
 * deadline too, until the deadline loop has ended the task.
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

/** The meaning of `reportCompleted`: workers of 2014 report failures with it, as `{"success": false}`. */
export const reportedEnd = (body: unknown): 'completed' | 'failed' =>
  (body as { success?: unknown }).success === false ? 'failed' : 'completed';
