import { hours, later, seconds, type Work } from '../../base/index.ts';
import type { Context, Credentials } from '../context.ts';
import type { WorkerRef } from '../lifecycle.ts';
import { definitionText, statusText, type TaskRecord } from '../record.ts';

/** When a claim that is made or prolonged now will end. In whole seconds, as in the original. */
export const takenUntilFrom = (now: Date, claimTimeoutSeconds: number): Date => {
  const end = later(now, seconds(claimTimeoutSeconds)).getTime();
  return new Date(end - (end % 1000));
};

// Credentials are valid from this long before the claim: a clock that was set back, or that of another machine, must not
// find that they begin only later.
const validBeforeMs = hours(2);

export interface Claimed {
  readonly record: TaskRecord;
  readonly worker: WorkerRef;
  /** JSON text without the priority. */
  readonly definition: string;
}

const scopesIn = (definition: string): string[] => (JSON.parse(definition) as { scopes: string[] }).scopes;

/** The credentials of a claim: enough to reclaim, resolve and add artifacts, and the scopes of the task. */
const credentialsOf = (
  { record, worker, definition }: Claimed,
  { now, context }: Work<Context>,
): Credentials => {
  const { taskId } = record;
  const runId = record.runs.length - 1;
  const expiry = new Date(record.runs[runId]?.takenUntil ?? 0);
  const { workerGroup, workerId } = worker;
  return context.issueCredentials({
    clientId: `task-client/${taskId}/${runId}/on/${workerGroup}/${workerId}/until/${expiry.getTime() / 1000}`,
    scopes: [
      `queue:reclaim-task:${taskId}/${runId}`,
      `queue:resolve-task:${taskId}/${runId}`,
      `queue:create-artifact:${taskId}/${runId}`,
      ...scopesIn(definition),
    ],
    start: later(now, -validBeforeMs),
    expiry,
  });
};

const claimFields = ({ record, worker }: Claimed): string =>
  `"status":${statusText(record)},"runId":${record.runs.length - 1},"workerGroup":"${worker.workerGroup}",` +
  `"workerId":"${worker.workerId}","takenUntil":"${record.runs.at(-1)?.takenUntil}"`;

/** A claim as the API shows it, as JSON text. Of the definition only the scopes are parsed. */
export const claimText = (claimed: Claimed, work: Work<Context>): string =>
  `{${claimFields(claimed)},"task":${definitionText(claimed.definition, claimed.record.priority)},` +
  `"credentials":${JSON.stringify(credentialsOf(claimed, work))}}`;

/** A prolonged claim as the API shows it, as JSON text. */
export const reclaimText = (claimed: Claimed, work: Work<Context>): string =>
  `{${claimFields(claimed)},"credentials":${JSON.stringify(credentialsOf(claimed, work))}}`;
