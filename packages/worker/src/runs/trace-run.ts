import type { TaskClaimResponse } from '@taskyard/client';
import { type Attributes, traced } from '@taskyard/tracing';
import type { Resolution } from './resolution.ts';
import type { WorkerTools } from './run.ts';

/** A claim as it came, and when the worker had asked for it. */
export interface Arrival {
  readonly claimed: TaskClaimResponse;
  readonly askedAt: Date;
}

/** The span of the claim begins when the worker asked, or when the run was there to be claimed, if that was later. */
const beginOf = ({ claimed: { status, runId }, askedAt }: Arrival, now: Date): Date => {
  const times = [askedAt.getTime(), Date.parse(status.runs[runId]?.scheduled ?? '') || 0];
  // The clock of the server may be ahead of this one.
  return new Date(Math.min(Math.max(...times), now.getTime()));
};

/** Does everything for a run in a span of its task's trace, below that of the run. */
export const traceRun = (
  { tracing, clock, identity }: WorkerTools,
  arrival: Arrival,
  run: () => Promise<void>,
): Promise<void> => {
  if (!tracing) return run();
  const { runId, status, task } = arrival.claimed;
  const { taskId } = status;
  const now = clock.now();
  const at = beginOf(arrival, now);
  const attributes = {
    'taskyard.task.id': taskId,
    'taskyard.run.id': runId,
    'taskyard.task.queue': identity.taskQueueId,
    'taskyard.task.group': task.taskGroupId,
    'cicd.pipeline.task.run.id': `${taskId}/${runId}`,
    'cicd.worker.id': `${identity.workerGroup}/${identity.workerId}`,
  };
  const parent = tracing.taskSpan({ taskId, runId }) ?? null;
  return traced(tracing, 'work on run', { kind: 'consumer', parent, at, attributes }, () => {
    tracing.begin('claim', { at }).end(now);
    return run();
  });
};

/** Does a part of a run in a span of its own, which fails with it: also when there is no result, which fails the task. */
export const tracePart = <T>(
  { tracing }: WorkerTools,
  name: string,
  { attributes, act }: { readonly attributes?: Attributes; readonly act: () => Promise<T | undefined> },
): Promise<T | undefined> =>
  traced(tracing, name, { attributes }, async (span) => {
    const result = await act();
    if (result === undefined) span?.fail('failed');
    return result;
  });

/** Says in the span of the run how that ended. */
export const traceResolution = ({ tracing }: WorkerTools, resolution: Resolution): void => {
  const span = tracing?.current();
  if (!span || resolution.state === 'completed') return;
  span.fail(resolution.state === 'failed' ? 'failed' : resolution.reason);
};
