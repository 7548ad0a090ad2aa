import type { StreamedMessage } from '@taskyard/client';
import { ask } from './postgres.ts';

/** What messages about tasks carry, as far as tests look at it. */
export interface TaskPayload {
  readonly status: { readonly taskId: string; readonly taskGroupId: string; readonly state: string };
  readonly runId?: number;
}
export type TaskMessage = StreamedMessage<TaskPayload>;

const exchangeStart = 'exchange/taskcluster-queue/v1/task-';
export const exchangeOf = (name: string): string => exchangeStart + name;

/** Everything that happens to tasks. */
export const taskBindings = ['defined', 'pending', 'running', 'completed', 'failed', 'exception'].map(
  (name) => ({ exchange: exchangeOf(name), routingKeyPattern: '#' }),
);

/** What was told of each task, in its order: `pending 0`, `running 0`, … */
export type Steps = Map<string, string[]>;

/** Adds what a message tells. */
export const addStep = (
  steps: Steps,
  { exchange, payload }: Pick<TaskMessage, 'exchange' | 'payload'>,
): void => {
  const step = `${exchange.slice(exchangeStart.length)} ${payload.runId ?? '-'}`;
  const ofTask = steps.get(payload.status.taskId);
  if (ofTask) ofTask.push(step);
  else steps.set(payload.status.taskId, [step]);
};

/** What a platform has published: its outbox. */
export const publishedSteps = async (url: string): Promise<Steps> => {
  const rows = await ask<{ exchange: string; taskId: string; runId: number | null }>(
    url,
    `select exchange, payload::json->'status'->>'taskId' as "taskId", (payload::json->>'runId')::int as "runId"
       from outbox where exchange = any($1) order by id`,
    [taskBindings.map(({ exchange }) => exchange)],
  );
  const steps: Steps = new Map();
  for (const { exchange, taskId, runId } of rows) {
    const status = { taskId, taskGroupId: '', state: '' };
    addStep(steps, { exchange, payload: runId === null ? { status } : { status, runId } });
  }
  return steps;
};
