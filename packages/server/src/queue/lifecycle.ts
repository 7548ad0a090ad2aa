import type { TaskRecord } from './record.ts';
import {
  priorities,
  type ReasonCreated,
  type ReasonResolved,
  type ReportedReason,
  type RunState,
  type RunStatus,
} from './schema/index.ts';

/** Every transition of a run. Nothing else changes the state of one. */
export const transitions = {
  claim: { from: ['pending'], to: 'running' },
  reclaim: { from: ['running'], to: 'running' },
  complete: { from: ['running'], to: 'completed' },
  fail: { from: ['running'], to: 'failed' },
  except: { from: ['running'], to: 'exception' },
  cancel: { from: ['pending', 'running'], to: 'exception' },
  release: { from: ['running'], to: 'pending' },
} as const satisfies Record<string, { from: readonly RunState[]; to: RunState }>;

/** The largest number of runs of a task, reruns and retries together. */
export const runsMax = 50;

/** The result of an attempt to change a task. */
export type Outcome =
  | { readonly kind: 'changed'; readonly task: TaskRecord }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'missing-run' }
  | { readonly kind: 'conflict'; readonly message: string };

export interface WorkerRef {
  readonly workerGroup: string;
  readonly workerId: string;
}

/** A worker of a task queue as one text. Its words contain neither a blank nor a comma. */
export const holderOf = (taskQueueId: string, { workerGroup, workerId }: WorkerRef): string =>
  `${taskQueueId}/${workerGroup}/${workerId}`;

export const unchanged: Outcome = { kind: 'unchanged' };
const missingRun: Outcome = { kind: 'missing-run' };
const changed = (task: TaskRecord): Outcome => ({ kind: 'changed', task });
const conflict = (message: string): Outcome => ({ kind: 'conflict', message });

const lastOf = (task: TaskRecord): RunStatus | undefined => task.runs.at(-1);
const mayLeave = (run: RunStatus | undefined, transition: { from: readonly RunState[] }): run is RunStatus =>
  run !== undefined && transition.from.includes(run.state);

const isHeldBy = (run: RunStatus, { workerGroup, workerId }: WorkerRef): boolean =>
  run.workerGroup === workerGroup && run.workerId === workerId;

const withLastRun = (task: TaskRecord, run: RunStatus): TaskRecord => ({
  ...task,
  runs: [...task.runs.slice(0, -1), run],
});

const withNewRun = (task: TaskRecord, reasonCreated: ReasonCreated, now: Date): TaskRecord => ({
  ...task,
  runs: [...task.runs, { runId: task.runs.length, state: 'pending', reasonCreated, scheduled: now.toJSON() }],
});

/** Refuses a change after the task's deadline. */
export const beforeDeadline = (task: TaskRecord, now: Date, decide: () => Outcome): Outcome =>
  task.deadline >= now
    ? decide()
    : conflict(`Task ${task.taskId} is past its deadline (${task.deadline.toJSON()}).`);

/** Gives a task another priority, an index into `priorities`. One that was ever resolved keeps its own. */
export const changePriority = (task: TaskRecord, priority: number): Outcome => {
  const { taskId } = task;
  const now = priorities[task.priority];
  if (wasEverResolved(task)) return conflict(`Task ${taskId} has been resolved; its priority stays ${now}.`);
  // As in the original, which refuses this too.
  if (task.priority === priority) return conflict(`The priority of task ${taskId} is ${now} already.`);
  return changed({ ...task, priority });
};

/** Makes a task pending that has no run yet, whatever it depends on. */
export const schedule = (task: TaskRecord, now: Date): Outcome =>
  task.runs.length > 0 ? unchanged : changed(withNewRun(task, 'scheduled', now));

export interface Claim {
  readonly runId: number;
  readonly worker: WorkerRef;
  readonly takenUntil: Date;
}

/** Gives a pending run to a worker. The worker that holds it already may ask again. */
export const claim = (task: TaskRecord, { runId, worker, takenUntil }: Claim, now: Date): Outcome => {
  const run = task.runs[runId];
  if (!run) return missingRun;
  if (run === lastOf(task) && mayLeave(run, transitions.claim)) {
    const { runId: id, reasonCreated, scheduled } = run;
    return changed(
      withLastRun(task, {
        runId: id,
        state: transitions.claim.to,
        reasonCreated,
        ...worker,
        takenUntil: takenUntil.toJSON(),
        scheduled,
        started: now.toJSON(),
      }),
    );
  }
  if (run.state === 'running' && isHeldBy(run, worker)) return unchanged;
  return conflict(`Run ${runId} of task ${task.taskId} is ${run.state}; only a pending run can be claimed.`);
};

/** Prolongs a claim. */
export const reclaim = (task: TaskRecord, runId: number, takenUntil: Date): Outcome => {
  const run = task.runs[runId];
  if (!run) return missingRun;
  if (run !== lastOf(task) || !mayLeave(run, transitions.reclaim)) {
    return conflict(
      `Run ${runId} of task ${task.taskId} is ${run.state}; only a running run can be reclaimed.`,
    );
  }
  return changed(withLastRun(task, { ...run, takenUntil: takenUntil.toJSON() }));
};

/** A claim; `started` distinguishes it from another claim of the same run by the same worker. */
export interface HeldRun {
  readonly runId: number;
  readonly worker: WorkerRef;
  readonly started: string;
}

/** Whether a run is held by this claim, and not by a later one. */
export const isHeld = (task: TaskRecord, { runId, worker, started }: HeldRun): boolean => {
  const run = lastOf(task);
  return run?.runId === runId && run.state === 'running' && isHeldBy(run, worker) && run.started === started;
};

/** How a run ends that its worker has not ended. */
const endsByOthers: readonly (ReasonResolved | undefined)[] = [
  'canceled',
  'deadline-exceeded',
  'claim-expired',
];

/** Whether a worker that claimed a run holds it no longer, for another reason than its own report. */
export const isTakenAway = (
  task: TaskRecord | undefined,
  { runId, worker }: Omit<HeldRun, 'started'>,
): boolean => {
  const run = task?.runs[runId];
  if (!run || !isHeldBy(run, worker)) return true;
  return run.state !== 'running' && endsByOthers.includes(run.reasonResolved);
};

/** Undoes a claim that reached no worker: the run is pending as before. Safe to repeat. */
export const release = (task: TaskRecord, held: HeldRun): Outcome => {
  const run = lastOf(task);
  if (!mayLeave(run, transitions.release) || !isHeld(task, held)) return unchanged;
  const { runId, reasonCreated, scheduled } = run;
  return changed(withLastRun(task, { runId, state: transitions.release.to, reasonCreated, scheduled }));
};

/** Ends a run as completed or failed, as its worker reports. A repeated report changes nothing. */
export const finish = (task: TaskRecord, runId: number, to: 'completed' | 'failed', now: Date): Outcome => {
  const run = task.runs[runId];
  if (!run) return missingRun;
  const isLast = run === lastOf(task);
  if (isLast && run.state === to) return unchanged;
  const transition = to === 'completed' ? transitions.complete : transitions.fail;
  if (!isLast || !mayLeave(run, transition)) {
    return conflict(`Run ${runId} of task ${task.taskId} is ${run.state} and cannot become ${to}.`);
  }
  return changed(
    withLastRun(task, { ...run, state: transition.to, reasonResolved: to, resolved: now.toJSON() }),
  );
};

/** The ends of runs that the queue retries while the task has retries left, each with the reason of the new run. */
const retried: Partial<Record<ReasonResolved, ReasonCreated>> = {
  'worker-shutdown': 'retry',
  'claim-expired': 'retry',
  'intermittent-task': 'task-retry',
};

const endAsException = (task: TaskRecord, reason: ReasonResolved, now: Date): TaskRecord => {
  const run = lastOf(task) as RunStatus;
  const over = withLastRun(task, {
    ...run,
    state: transitions.except.to,
    reasonResolved: reason,
    resolved: now.toJSON(),
  });
  const reasonCreated = retried[reason];
  if (!reasonCreated || task.retriesLeft <= 0 || task.runs.length >= runsMax) return over;
  return withNewRun({ ...over, retriesLeft: task.retriesLeft - 1 }, reasonCreated, now);
};

/** Ends a run as an exception, as its worker reports, and adds another run when the reason asks for a retry. */
export const except = (task: TaskRecord, runId: number, reason: ReportedReason, now: Date): Outcome => {
  const run = task.runs[runId];
  if (!run) return missingRun;
  if (run === lastOf(task) && mayLeave(run, transitions.except))
    return changed(endAsException(task, reason, now));
  const isRepeat =
    run.state === 'exception' && run.reasonResolved === reason && runId >= task.runs.length - 2;
  if (isRepeat) return unchanged;
  return conflict(`Run ${runId} of task ${task.taskId} is ${run.state} and cannot become an exception.`);
};

/** Ends a run whose claim was not prolonged in time. A claim that was prolonged since is not touched. */
export const expireClaim = (task: TaskRecord, runId: number, takenUntil: Date, now: Date): Outcome => {
  const run = lastOf(task);
  if (run?.runId !== runId || run.state !== 'running') return unchanged;
  if (run.takenUntil !== takenUntil.toJSON()) return unchanged;
  return changed(endAsException(task, 'claim-expired', now));
};

/** Ends a lost worker's run so that it is retried. */
export const loseWorker = (task: TaskRecord, runId: number, worker: WorkerRef, now: Date): Outcome => {
  const run = lastOf(task);
  if (run?.runId !== runId || run.state !== 'running' || !isHeldBy(run, worker)) return unchanged;
  return changed(endAsException(task, 'worker-shutdown', now));
};

/** Ends a task that is not resolved. A task without runs gets one that records the end. */
export const end = (task: TaskRecord, reason: 'canceled' | 'deadline-exceeded', now: Date): Outcome => {
  const run = lastOf(task);
  const time = now.toJSON();
  if (!run) {
    const runs: RunStatus[] = [
      {
        runId: 0,
        state: 'exception',
        reasonCreated: 'exception',
        reasonResolved: reason,
        scheduled: time,
        resolved: time,
      },
    ];
    return changed({ ...task, runs });
  }
  if (!mayLeave(run, transitions.cancel)) return unchanged;
  return changed(
    withLastRun(task, { ...run, state: transitions.cancel.to, reasonResolved: reason, resolved: time }),
  );
};

/** Adds a run to a task that is resolved or was never scheduled, and restores its retries. */
export const rerun = (task: TaskRecord, now: Date): Outcome => {
  const run = lastOf(task);
  if (mayLeave(run, transitions.cancel)) return unchanged;
  if (task.runs.length >= runsMax) {
    return conflict(`Task ${task.taskId} has reached the maximum number of runs (${runsMax}).`);
  }
  const retriesLeft = Math.min(task.retries, runsMax - task.runs.length - 1);
  return changed(withNewRun({ ...task, retriesLeft }, 'rerun', now));
};

/** Like `rerun`, for a task that failed or ended as an exception. Any other is not touched. */
export const rerunFailed = (task: TaskRecord, now: Date): Outcome => {
  const { state } = lastOf(task) ?? {};
  return state === 'failed' || state === 'exception' ? rerun(task, now) : unchanged;
};

/** Whether a run ended for good: it is resolved, and not followed by an automatic retry. */
const isFinal = (task: TaskRecord, run: RunStatus): boolean => {
  if (run.state === 'pending' || run.state === 'running') return false;
  const next = task.runs[run.runId + 1];
  return next === undefined || next.reasonCreated === 'rerun';
};

/** The last run before `runId` that ended for good (and completed, if that is asked for); -1 when there is none. */
export const lastFinalRun = (
  task: TaskRecord,
  runId: number,
  { completed }: { completed: boolean },
): number =>
  task.runs.findLast(
    (run) => run.runId < runId && isFinal(task, run) && (!completed || run.state === 'completed'),
  )?.runId ?? -1;

/** Whether any run of the task ended for good. */
export const wasEverResolved = (task: TaskRecord): boolean => task.runs.some((run) => isFinal(task, run));

/** The run by which a change resolved the task for good; undefined when it did not. */
export const resolvedRun = (before: TaskRecord, after: TaskRecord): RunStatus | undefined => {
  const run = lastOf(after);
  if (!run || !isFinal(after, run)) return undefined;
  const earlier = before.runs[run.runId];
  return earlier && earlier.state === run.state ? undefined : run;
};
