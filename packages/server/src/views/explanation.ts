import { isSatisfiedBy } from '../scheduler/index.ts';

/** A dependency of a waiting task. */
export interface Edge {
  readonly state: string;
  readonly runs: readonly { readonly state: string }[];
  readonly allResolved: boolean;
  /** The first run that counts; null when the dependency was met from the start. */
  readonly fromRun: number | null;
}

/** Whether a dependency is unmet: no run that counts has ended as required. */
export const isUnmet = ({ runs, allResolved, fromRun }: Edge): boolean =>
  fromRun !== null &&
  !runs
    .slice(fromRun)
    .some((run) => isSatisfiedBy(run.state, allResolved ? 'all-resolved' : 'all-completed'));

/** Whether a dependency cannot be met without a rerun: it has ended, but not as required. */
export const isBroken = (edge: Edge): boolean =>
  isUnmet(edge) && (edge.state === 'failed' || edge.state === 'exception');

/** What is known of the task queue of a pending task, and of its workers. */
export interface Line {
  readonly before: number;
  readonly running: number;
  readonly workersSeen: number;
  readonly workersQuarantined: number;
}

const some = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** The unmet dependencies of a task: how many, how many of them broken, and whether the task itself is among them. */
export interface Unmet {
  readonly unmet: number;
  readonly broken: number;
  readonly itself: boolean;
}

/** Why an unscheduled task waits. */
export const whyUnscheduled = ({ unmet, broken, itself }: Unmet): string => {
  if (broken > 0) {
    const what = some(broken, 'task that it depends on', 'tasks that it depends on');
    return `${what} did not complete, so it will not start unless ${broken === 1 ? 'that is' : 'those are'} run again.`;
  }
  if (itself) {
    const others = unmet > 1 ? ` and for ${some(unmet - 1, 'other task', 'other tasks')}` : '';
    return `It waits for itself${others}, so it starts only when somebody schedules it.`;
  }
  if (unmet > 0) return `It waits for ${some(unmet, 'task', 'tasks')} to complete.`;
  return 'It depends on nothing that is missing; it waits to be scheduled.';
};

/** Why a pending task waits. */
export const whyPending = ({ before, running, workersSeen, workersQuarantined }: Line): string => {
  if (workersSeen === 0 && running === 0)
    return 'No worker of its task queue has been there within the last day.';
  if (workersSeen > 0 && workersSeen === workersQuarantined)
    return 'All workers of its task queue are in quarantine.';
  if (before > 0) return `${some(before, 'run goes', 'runs go')} before it in its task queue.`;
  if (running > 0) return 'It is next: it waits for a worker to be free.';
  return 'It is next: it waits for a worker to ask for work.';
};
