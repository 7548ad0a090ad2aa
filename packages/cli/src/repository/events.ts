import { commandOf, type EventContext } from '@taskyard/taskcluster-yml';
import { type Fields, isFields } from '@taskyard/taskcluster-yml/template';
import type { Commit, GitState } from './git-state.ts';
import type { EventKind } from './kinds.ts';

/** What a file is rendered for, without what only the platform knows. */
export type LocalEvent = Pick<EventContext, 'tasksFor' | 'event' | 'names' | 'headUserEmail'>;

const loginOf = ({ email }: Commit['author']): string =>
  (email.split('@')[0] ?? '').replace(/[^a-zA-Z0-9-]/g, '-') || 'somebody';

const commitOf = ({ head, url }: GitState) => ({
  id: head.hash,
  message: head.message,
  timestamp: head.date,
  url: `${url}/commit/${head.hash}`,
  author: { ...head.author, username: loginOf(head.author) },
  committer: { ...head.committer, username: loginOf(head.committer) },
  added: [],
  removed: [],
  modified: [],
});

const userOf = ({ head }: GitState) => ({ login: loginOf(head.author), id: 1, type: 'User' });

const repositoryOf = ({ organization, repository, url, defaultBranch }: GitState) => ({
  id: 1,
  name: repository,
  full_name: `${organization}/${repository}`,
  owner: { name: organization, login: organization },
  private: false,
  fork: false,
  html_url: url,
  url,
  clone_url: `${url}.git`,
  git_url: `${url.replace(/^https/, 'git')}.git`,
  ssh_url: `git@${new URL(url).host}:${organization}/${repository}.git`,
  default_branch: defaultBranch,
});

const branchOf = ({ branch, defaultBranch }: GitState): string => branch ?? defaultBranch;

const pushOf = (state: GitState, ref: string): Fields => ({
  ref,
  before: ref.startsWith('refs/tags/') ? '0'.repeat(40) : state.before,
  after: state.head.hash,
  created: ref.startsWith('refs/tags/'),
  deleted: false,
  forced: false,
  base_ref: null,
  compare: `${state.url}/compare/${state.before.slice(0, 12)}...${state.head.hash.slice(0, 12)}`,
  commits: [commitOf(state)],
  head_commit: commitOf(state),
  repository: repositoryOf(state),
  pusher: { name: loginOf(state.head.author), email: state.head.author.email },
  sender: userOf(state),
});

/** A pull request of the checked out branch against the default one. */
const pullRequestFieldsOf = (state: GitState): Fields => {
  const [title = ''] = state.head.message.split('\n');
  const end = (ref: string, sha: string) => ({
    label: `${state.organization}:${ref}`,
    ref,
    sha,
    user: { login: state.organization },
    repo: repositoryOf(state),
  });
  return {
    id: 1,
    number: 1,
    state: 'open',
    draft: false,
    merged: false,
    title,
    body: '',
    html_url: `${state.url}/pull/1`,
    user: userOf(state),
    labels: [],
    assignees: [],
    created_at: state.head.date,
    updated_at: state.head.date,
    merge_commit_sha: null,
    commits: 1,
    head: end(branchOf(state), state.head.hash),
    base: end(state.defaultBranch, state.base),
  };
};

const pullRequestOf = (state: GitState): Fields => ({
  action: 'opened',
  number: 1,
  pull_request: pullRequestFieldsOf(state),
  repository: repositoryOf(state),
  sender: userOf(state),
});

const releaseOf = (state: GitState): Fields => {
  const tag = state.tag ?? 'v0.0.0';
  return {
    action: 'published',
    release: {
      id: 1,
      tag_name: tag,
      target_commitish: branchOf(state),
      name: tag,
      body: '',
      draft: false,
      prerelease: false,
      html_url: `${state.url}/releases/tag/${tag}`,
      url: `${state.url}/releases/tag/${tag}`,
      tarball_url: `${state.url}/tarball/${tag}`,
      zipball_url: `${state.url}/zipball/${tag}`,
      author: userOf(state),
      assets: [],
      created_at: state.head.date,
      published_at: state.head.date,
    },
    repository: repositoryOf(state),
    sender: userOf(state),
  };
};

const commentOf = (state: GitState): Fields => ({
  action: 'created',
  issue: { number: 1, title: '', state: 'open', user: userOf(state), pull_request: {} },
  comment: { id: 1, body: '/taskcluster test', user: userOf(state) },
  pull_request: pullRequestFieldsOf(state),
  repository: repositoryOf(state),
  sender: userOf(state),
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
      repo_scope: `assume:repo:github.com/${state.organization}/${state.repository}:action:generic`,
      cb_name: 'retrigger',
      action_perm: 'generic',
    },
    input: {},
    taskId: null,
    clientId: 'local/somebody',
    parameters: {},
  };
};

interface Ids {
  readonly slugid: () => string;
}

/** Names as GitHub has them over what the checkout tells: maps key by key, anything else as a whole. */
const over = (made: unknown, given: unknown): unknown => {
  if (!isFields(made) || !isFields(given)) return given === undefined ? made : given;
  const keys = [...new Set([...Object.keys(made), ...Object.keys(given)])];
  return Object.fromEntries(keys.map((key) => [key, over(made[key], given[key])]));
};

const kinds: Readonly<
  Record<EventKind, { readonly tasksFor: string; readonly make: (state: GitState, ids: Ids) => Fields }>
> = {
  push: { tasksFor: 'github-push', make: (state) => pushOf(state, `refs/heads/${branchOf(state)}`) },
  tag: { tasksFor: 'github-push', make: (state) => pushOf(state, `refs/tags/${state.tag ?? 'v0.0.0'}`) },
  'pull-request': { tasksFor: 'github-pull-request', make: pullRequestOf },
  'pull-request-untrusted': { tasksFor: 'github-pull-request-untrusted', make: pullRequestOf },
  release: { tasksFor: 'github-release', make: releaseOf },
  comment: { tasksFor: 'github-issue-comment', make: commentOf },
  cron: { tasksFor: 'cron', make: cronOf },
  action: { tasksFor: 'action', make: actionOf },
};

/**
 * An event of the checkout as GitHub, or a hook, would tell it.
 *
 * @param given what it says otherwise: the body of the webhook, or for cron and action the names of expressions
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
  const isOfHook = kind === 'cron' || kind === 'action';
  return isOfHook ? { tasksFor, names: made, headUserEmail } : { tasksFor, event: made, headUserEmail };
};
