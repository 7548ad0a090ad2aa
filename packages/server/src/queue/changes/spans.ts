import type { Attributes, Tracing } from '@taskyard/tracing';
import type { Transaction, Work } from '../../base/index.ts';
import type { Context } from '../context.ts';
import type { Change, TaskRecord } from '../record.ts';
import type { RunStatus } from '../schema/index.ts';

/** The most tasks of one transaction that get spans: more would hold up the process, and the exporter would drop them. */
const tracedMax = 1000;

const attributesOf = ({ taskId, taskQueueId, taskGroupId }: TaskRecord): Attributes => ({
  'taskyard.task.id': taskId,
  'taskyard.task.queue': taskQueueId,
  'taskyard.task.group': taskGroupId,
});

const attributesOfRun = (record: TaskRecord, { runId, workerGroup, workerId }: RunStatus): Attributes => ({
  ...attributesOf(record),
  'taskyard.run.id': runId,
  'cicd.pipeline.task.run.id': `${record.taskId}/${runId}`,
  'cicd.worker.id': workerId === undefined ? undefined : `${workerGroup}/${workerId}`,
});

/** Makes the root of the trace of each new task, once the transaction is committed. It links to the transaction's span. */
export const traceNew = (
  tx: Transaction,
  changes: readonly Change[],
  { now, context: { tracing } }: Work<Context>,
): void => {
  if (!tracing) return;
  tx.afterCommit(() => {
    for (const { after } of changes.slice(0, tracedMax)) {
      const attributes = attributesOf(after);
      const links = [tracing.current()];
      tracing
        .beginTask('create task', { taskId: after.taskId }, { kind: 'producer', at: now, links, attributes })
        .end();
    }
  });
};

/** Makes the spans of what ended with changes, once they are committed: runs that were pending, and runs of workers. */
export const traceChanges = (
  tx: Transaction,
  changes: readonly Change[],
  { now, context: { tracing } }: Work<Context>,
): void => {
  if (!tracing) return;
  tx.afterCommit(() => {
    for (const { before, after } of changes.slice(0, tracedMax)) {
      for (const run of after.runs) {
        const was = before.runs[run.runId]?.state;
        if (was === 'pending' && run.state !== 'pending') traceWait(tracing, { after, run, now });
        if (was === 'running' && run.state !== 'running' && run.resolved)
          traceRun(tracing, { after, run, now });
      }
    }
  });
};

interface Ended {
  readonly after: TaskRecord;
  readonly run: RunStatus;
  readonly now: Date;
}

/** The time for which a run was pending. */
const traceWait = (tracing: Tracing, { after, run, now }: Ended): void => {
  const span = tracing.begin('pending', {
    parent: tracing.taskSpan(after),
    at: new Date(run.scheduled),
    links: [tracing.current()],
    attributes: attributesOfRun(after, run),
  });
  span.end(now);
};

/** A run from its claim to its resolution. What its worker does is below it. */
const traceRun = (tracing: Tracing, { after, run, now }: Ended): void => {
  const ref = { taskId: after.taskId, runId: run.runId };
  const span = tracing.beginTask('run', ref, {
    at: new Date(run.started ?? now),
    links: [tracing.current()],
    attributes: { ...attributesOfRun(after, run), 'cicd.pipeline.task.run.result': resultOf(run) },
  });
  if (run.state !== 'completed') span.fail(run.reasonResolved ?? run.state);
  span.end(now);
};

const results: Readonly<Record<string, string>> = {
  completed: 'success',
  failed: 'failure',
  canceled: 'cancellation',
  'deadline-exceeded': 'timeout',
};

/** The result in the words of the conventions. */
const resultOf = ({ reasonResolved }: RunStatus): string => results[reasonResolved ?? ''] ?? 'error';
