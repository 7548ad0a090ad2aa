import {
  commandOf,
  type EventContext,
  type MadeUp,
  madeUpComment,
  madeUpPullRequest,
  madeUpPush,
  madeUpRelease,
} from '@taskyard/taskcluster-yml';
import { type Fields, isFields } from '@taskyard/taskcluster-yml/template';
import type { GitState } from './git-state.ts';
import type { EventKind } from './kinds.ts';

/** What a file is rendered for, without what only the platform knows. */
export type LocalEvent = Pick<EventContext, 'tasksFor' | 'event' | 'names' | 'headUserEmail'>;

const branchOf = ({ branch, defaultBranch }: GitState): string => branch ?? defaultBranch;

const madeUpOf = (state: GitState): MadeUp => ({
  ...state,
  branch: branchOf(state),
  tag: state.tag ?? 'v0.0.0',
});

/** The command is what the comment says, also where that comes from a file. */
const withCommand = (event: Fields): Fields => {
  const { body } = (isFields(event.comment) ? event.comment : {}) as { body?: unknown };
  const command = typeof body === 'string' ? commandOf(body) : undefined;
  return command === undefined ? event : { taskcluster_comment: command, ...event };
};

/** What decision tasks of cron and actions find instead of an event. */
const namesOf = (state: GitState) => ({
  repository: { url: state.url, project: state.repository, level: '1', type: 'git' },
  push: {
    revision: state.head.hash,
    base_revision: state.before,
    branch: branchOf(state),
    owner: state.head.author.email,
    pushlog_id: 0,
    pushdate: Math.floor(Date.parse(state.head.date) / 1000),
  },
});

const cronOf = (state: GitState, ids: Ids): Fields => ({
  ...namesOf(state),
  ownTaskId: ids.slugid(),
  cron: { task_id: '', job_name: 'nightly', job_symbol: 'nightly', quoted_args: '', input: {} },
});

const repoScopeOf = ({ organization, repository }: GitState, part: string): string =>
  `assume:repo:github.com/${organization}/${repository}:${part}:generic`;

const actionOf = (state: GitState, ids: Ids): Fields => {
  const taskGroupId = ids.slugid();
  return {
    ...namesOf(state),
    ownTaskId: ids.slugid(),
    action: {
      name: 'retrigger',
      title: 'Retrigger',
      description: 'Retrigger',
      taskGroupId,
      symbol: 'rt',
      repo_scope: repoScopeOf(state, 'action'),
      cb_name: 'retrigger',
      action_perm: 'generic',
    },
    input: {},
    taskId: null,
    clientId: 'local/somebody',
    parameters: {},
  };
};

/** The same on a pull request, whose branch may be that of another repository. */
const prActionOf = (state: GitState, ids: Ids): Fields =>
  over(actionOf(state, ids), {
    repository: { base_url: state.url },
    push: { base_branch: state.defaultBranch, base_revision: state.base },
    action: { repo_scope: repoScopeOf(state, 'pr-action') },
  }) as Fields;

interface Ids {
  readonly slugid: () => string;
}

/** Names as GitHub has them over what the checkout tells: maps key by key, anything else as a whole. */
const over = (made: unknown, given: unknown): unknown => {
  if (!isFields(made) || !isFields(given)) return given === undefined ? made : given;
  const keys = [...new Set([...Object.keys(made), ...Object.keys(given)])];
  return Object.fromEntries(keys.map((key) => [key, over(made[key], given[key])]));
};

/** GitHub's part of an event. */
const ofGithub =
  (make: (about: MadeUp) => Fields) =>
  (state: GitState): Fields =>
    make(madeUpOf(state));

const kinds: Readonly<
  Record<EventKind, { readonly tasksFor: string; readonly make: (state: GitState, ids: Ids) => Fields }>
> = {
  push: {
    tasksFor: 'github-push',
    make: ofGithub((about) => madeUpPush(about, `refs/heads/${about.branch}`)),
  },
  tag: { tasksFor: 'github-push', make: ofGithub((about) => madeUpPush(about, `refs/tags/${about.tag}`)) },
  'pull-request': { tasksFor: 'github-pull-request', make: ofGithub(madeUpPullRequest) },
  'pull-request-untrusted': {
    tasksFor: 'github-pull-request-untrusted',
    make: ofGithub(madeUpPullRequest),
  },
  release: { tasksFor: 'github-release', make: ofGithub(madeUpRelease) },
  comment: { tasksFor: 'github-issue-comment', make: ofGithub(madeUpComment) },
  cron: { tasksFor: 'cron', make: cronOf },
  action: { tasksFor: 'action', make: actionOf },
  'pr-action': { tasksFor: 'pr-action', make: prActionOf },
};

/** Those that no event of GitHub's brings about. */
const kindsOfHooks: ReadonlySet<EventKind> = new Set(['cron', 'action', 'pr-action']);

/**
 * An event of the checkout as GitHub, or a hook, would tell it.
 *
 * @param given what it says otherwise: the body of the webhook, or for cron and actions the names of expressions
 */
export const localEvent = (
  kind: EventKind,
  state: GitState,
  { given = {}, slugid }: { readonly given?: Fields; readonly slugid: () => string },
): LocalEvent => {
  const { tasksFor, make } = kinds[kind];
  const made = over(make(state, { slugid }), given) as Fields;
  const headUserEmail = state.head.author.email;
  if (kind === 'comment') return { tasksFor, event: withCommand(made), headUserEmail };
  return kindsOfHooks.has(kind)
    ? { tasksFor, names: made, headUserEmail }
    : { tasksFor, event: made, headUserEmail };
};
