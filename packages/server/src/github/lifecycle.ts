import type { Policy } from '@taskyard/taskcluster-yml';
import { hours, later, minutes, seconds } from '../base/index.ts';
import type { BuildState } from './schema/index.ts';

/** A task as GitHub is told of it. */
export interface Standing {
  readonly taskId: string;
  readonly state: string;
  readonly reasonResolved?: string | undefined;
}

const isResolved = ({ state }: Standing): boolean => ['completed', 'failed', 'exception'].includes(state);

export const wentWrong = ({ state }: Pick<Standing, 'state'>): boolean =>
  state === 'failed' || state === 'exception';

/** What is known of a group of tasks. */
export interface GroupStanding {
  readonly state: BuildState;
  readonly isEnded: boolean;
}

/**
 * What a build is by its tasks. It fails with its first task that went wrong, and succeeds only when all of its tasks have
 * ended: a decision task that has completed says nothing yet. One that a newer one replaced stays so while its tasks end.
 */
export const standingOf = (tasks: readonly Standing[], isCanceled: boolean): GroupStanding => {
  const isEnded = tasks.length > 0 && tasks.every(isResolved);
  const hasFailed = tasks.some(
    (task) => wentWrong(task) && !(isCanceled && task.reasonResolved === 'canceled'),
  );
  if (isCanceled && (!isEnded || tasks.some(wentWrong))) return { state: 'cancelled', isEnded };
  if (hasFailed) return { state: 'failure', isEnded };
  return { state: isEnded ? 'success' : 'pending', isEnded };
};

/** How far a check run is, and what came of it, in GitHub's words. */
export interface CheckState {
  readonly status: 'queued' | 'in_progress' | 'completed';
  readonly conclusion?: 'success' | 'failure' | 'cancelled' | 'timed_out' | 'action_required';
}

/** The conclusions of exceptions; all others are failures. None of them lets a required check pass. */
const conclusionsOfExceptions: ReadonlyMap<string, NonNullable<CheckState['conclusion']>> = new Map([
  ['canceled', 'cancelled'],
  ['deadline-exceeded', 'timed_out'],
  ['malformed-payload', 'action_required'],
]);

/** The check run of a task. */
export const checkStateOf = ({ state, reasonResolved = '' }: Standing): CheckState => {
  switch (state) {
    case 'unscheduled':
    case 'pending':
      return { status: 'queued' };
    case 'running':
      return { status: 'in_progress' };
    case 'completed':
      return { status: 'completed', conclusion: 'success' };
    case 'failed':
      return { status: 'completed', conclusion: 'failure' };
    default:
      return { status: 'completed', conclusion: conclusionsOfExceptions.get(reasonResolved) ?? 'failure' };
  }
};

const groupChecks: Readonly<Record<BuildState, CheckState>> = {
  pending: { status: 'in_progress' },
  success: { status: 'completed', conclusion: 'success' },
  failure: { status: 'completed', conclusion: 'failure' },
  error: { status: 'completed', conclusion: 'failure' },
  cancelled: { status: 'completed', conclusion: 'cancelled' },
};

/** The check run of a whole build. */
export const checkStateOfBuild = (state: BuildState): CheckState => groupChecks[state];

/** Who asks by a pull request or a comment. */
export interface Asking {
  /** All who had a hand in it may push to the repository, and none of it is gone. */
  readonly isTrusted: boolean;
  readonly action: string;
}

/** What a pull request gets: what its file is rendered for, or nothing and perhaps a word why. */
export type Admission =
  | { readonly tasksFor: string }
  | { readonly refused: string; readonly isTold: boolean };

/** Decides by the policy of the default branch, whatever the file of the pull request says. */
export const admit = ({ pullRequests }: Policy, { isTrusted, action }: Asking): Admission => {
  if (isTrusted || pullRequests === 'public') return { tasksFor: 'github-pull-request' };
  if (pullRequests === 'public_restricted') return { tasksFor: 'github-pull-request-untrusted' };
  return {
    refused: `The policy of the default branch lets pull requests of ${pullRequests.replace('_quiet', '')} make tasks only.`,
    isTold: pullRequests === 'collaborators' && action === 'opened',
  };
};

const opening = ['pull_request.opened', 'pull_request.synchronize'];

/** The kinds of events whose earlier builds one of this kind replaces. */
export const replacedBy = (eventType: string): readonly string[] =>
  opening.includes(eventType) ? opening : [eventType];

/** The longest wait for anything. A longer one that GitHub asks for is not believed. */
export const waitMaxMs = hours(2);

/** How often something is tried: for about a day. */
export const attemptsMax = 50;

/** When something is tried again after this many failed attempts; undefined when it is given up. */
export const nextAttempt = (attempts: number, now: Date): Date | undefined =>
  attempts >= attemptsMax
    ? undefined
    : later(now, Math.min(minutes(30), seconds(5) * 2 ** Math.min(attempts - 1, 10)));

/** How many tasks of a build get check runs at any rate. GitHub keeps 1,000 in a suite. */
export const checksMax = 800;
// Beyond that, tasks that went wrong get one as long as there is room.
const checksOfWrongMax = 950;

/** Whether a task gets a check run when its build has this many. */
export const getsCheck = (task: Pick<Standing, 'state'>, checksOfBuild: number): boolean =>
  checksOfBuild < (wentWrong(task) ? checksOfWrongMax : checksMax);
