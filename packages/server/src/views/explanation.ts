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
  /** The worker pool of the task queue starts no workers. */
  readonly isPaused?: boolean;
}

/** How many runs of a task queue are counted at most. */
export const runsCountedMax = 10_000;

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
export const whyPending = ({
  before,
  running,
  workersSeen,
  workersQuarantined,
  isPaused = false,
}: Line): string => {
  if (workersSeen === 0 && running === 0)
    return isPaused
      ? 'Its worker pool is paused, and no worker of its task queue was seen within the last day.'
      : 'No worker of its task queue was seen within the last day.';
  if (workersSeen > 0 && workersSeen === workersQuarantined)
    return `All workers of its task queue are in quarantine${isPaused ? ', and its worker pool is paused' : ''}.`;
  if (before >= runsCountedMax) return `${runsCountedMax} runs or more go before it in its task queue.`;
  if (before > 0) return `${some(before, 'run goes', 'runs go')} before it in its task queue.`;
  if (running > 0) return 'It is next: it waits for a worker to be free.';
  return 'It is next: it waits for a worker to ask for work.';
};

/** How fast the runs of a task queue began lately, and what a task's place in the line is. */
export interface Pace extends Line {
  /** The runs that began. */
  readonly starts: number;
  /** The time in which they did, in milliseconds. */
  readonly withinMs: number;
}

/** When a pending task starts, as far as that can be said. */
export interface ExpectedStart {
  readonly seconds?: number;
  readonly says: string;
}

// A worker claims several runs at once: a few in a short time say little about the next minutes.
const [startsMin, withinMinMs, startsOfAnyTime] = [3, 30_000, 50];

/** An expectation in words: as exact as it can be, not more. */
const shownTime = (seconds: number): string => {
  if (seconds < 60) return 'less than a minute';
  if (seconds < 90 * 60) return `about ${Math.round(seconds / 60)} min`;
  return `about ${Math.round(seconds / 3600)} h`;
};

/** When a pending task starts, if its task queue goes on as it did lately; or why that cannot be said. */
export const expectedStart = ({ starts, withinMs, ...line }: Pace): ExpectedStart => {
  const { before, running, workersSeen, workersQuarantined } = line;
  if (workersSeen === 0 && running === 0) return { says: 'It cannot be said: there is no worker.' };
  if (workersSeen > 0 && workersSeen === workersQuarantined && running === 0)
    return { says: 'It cannot be said: no worker may take it.' };
  const during = `in the last ${shownSpan(withinMs)}`;
  if (starts === 0) return { says: `It cannot be said: no run of its task queue began ${during}.` };
  const began = `${some(starts, 'run', 'runs')} of its task queue began ${during}`;
  if (starts < startsMin || (withinMs < withinMinMs && starts < startsOfAnyTime))
    return { says: `It cannot be said yet: ${began}.` };
  if (before >= runsCountedMax)
    return { says: `It cannot be said: ${runsCountedMax} runs or more go before it; ${began}.` };
  const seconds = Math.ceil(((before + 1) * withinMs) / starts / 1000);
  return { seconds, says: `In ${shownTime(seconds)}, since ${began}.` };
};

const shownSpan = (ms: number): string =>
  ms < 120_000
    ? some(Math.max(1, Math.round(ms / 1000)), 'second', 'seconds')
    : `${Math.round(ms / 60_000)} min`;
