import type { Run } from '@taskyard/client/browser';

/** Something that happened to a run. */
export interface Turn {
  readonly at: string;
  readonly what: string;
  readonly worker?: { readonly workerGroup: string; readonly workerId: string };
}

const created: Readonly<Record<Run['reasonCreated'], string>> = {
  scheduled: 'was ready, and waited for a worker',
  retry: 'was tried again, because the last run was lost',
  'task-retry': 'was tried again, because the task asked for it',
  rerun: 'was asked to run again by somebody',
  exception: 'was ended before it could run',
};

const resolved: Readonly<Record<NonNullable<Run['reasonResolved']>, string>> = {
  completed: 'completed',
  failed: 'failed: the task said so itself',
  'deadline-exceeded': 'was ended at its deadline',
  canceled: 'was canceled by somebody',
  'claim-expired': 'was lost: its worker was not heard of any more',
  'worker-shutdown': 'was given back: its worker had to go',
  'malformed-payload': 'could not be run: its payload is not what the worker understands',
  'resource-unavailable': 'could not be run: something that it needs was not there',
  'internal-error': 'could not be run: something broke at the worker',
  'intermittent-task': 'failed in a way that the task calls intermittent',
  superseded: 'was superseded by another task',
};

/** What happened to a run, in order. */
export const storyOf = (run: Run): Turn[] => {
  const { workerGroup, workerId } = run;
  const worker = workerGroup && workerId ? { workerGroup, workerId } : undefined;
  return [
    { at: run.scheduled, what: created[run.reasonCreated] },
    ...(run.started ? [{ at: run.started, what: 'was claimed by', ...(worker ? { worker } : {}) }] : []),
    ...(run.resolved ? [{ at: run.resolved, what: resolved[run.reasonResolved ?? 'completed'] }] : []),
  ];
};
