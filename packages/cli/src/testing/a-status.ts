import type { TaskStatus } from '@taskyard/client';

/** The status of a task with one run in this state (none for `unscheduled`). */
export const aStatus = (
  taskId: string,
  state: TaskStatus['state'],
  changes: Partial<TaskStatus> = {},
): TaskStatus => {
  const at = '2026-01-01T00:00:00.000Z';
  const hasStarted = state !== 'pending';
  const isResolved = !['pending', 'running'].includes(state);
  const reasonResolved = state === 'exception' ? 'canceled' : state;
  const run = {
    runId: 0,
    state: state as 'pending',
    reasonCreated: 'scheduled' as const,
    scheduled: at,
    ...(hasStarted ? { started: at } : {}),
    ...(isResolved
      ? { resolved: '2026-01-01T00:00:05.000Z', reasonResolved: reasonResolved as 'completed' }
      : {}),
  };
  return {
    taskId,
    provisionerId: 'p',
    workerType: 'w',
    taskQueueId: 'p/w',
    schedulerId: '-',
    projectId: 'none',
    taskGroupId: 'g',
    priority: 'lowest',
    deadline: at,
    expires: at,
    retriesLeft: 5,
    state,
    runs: state === 'unscheduled' ? [] : [run],
    ...changes,
  };
};
