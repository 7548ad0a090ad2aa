import type { Fields } from './template/index.ts';

/** A person as a commit names one. */
interface Person {
  readonly name: string;
  readonly email: string;
}

/** What a made-up event is about. */
export interface MadeUp {
  readonly organization: string;
  readonly repository: string;
  /** `https://github.com/organization/repository` */
  readonly url: string;
  readonly defaultBranch: string;
  readonly branch: string;
  readonly tag: string;
  readonly head: {
    readonly hash: string;
    readonly message: string;
    /** ISO 8601 */
    readonly date: string;
    readonly author: Person;
    readonly committer: Person;
  };
  /** The commit before the head. */
  readonly before: string;
  /** Where the branch left the default branch. */
  readonly base: string;
}

const loginOf = ({ email }: Person): string =>
  (email.split('@')[0] ?? '').replace(/[^a-zA-Z0-9-]/g, '-') || 'somebody';

const hostOf = ({ url }: MadeUp): string => new URL(url).host;

/** Where GitHub's REST API is: the payloads of most events lead there. */
const apiOf = (about: MadeUp): string => {
  const host = hostOf(about);
  return host === 'github.com' ? 'https://api.github.com' : `https://${host}/api/v3`;
};

const repositoryApi = (about: MadeUp): string =>
  `${apiOf(about)}/repos/${about.organization}/${about.repository}`;

const accountOf = (about: MadeUp, login: string, type: 'User' | 'Organization'): Fields => ({
  login,
  id: 1,
  node_id: 'MDQ6VXNlcjE=',
  type,
  url: `${apiOf(about)}/users/${login}`,
  html_url: `https://${hostOf(about)}/${login}`,
  avatar_url: '',
  site_admin: false,
});

const userOf = (about: MadeUp): Fields => accountOf(about, loginOf(about.head.author), 'User');
const ownerOf = (about: MadeUp): Fields => accountOf(about, about.organization, 'Organization');

/** A repository. Its `url` is a page in pushes, and one of the API in all other events. */
const repositoryOf = (about: MadeUp, { inPush }: { readonly inPush: boolean }): Fields => {
  const { organization, repository, url, defaultBranch, head } = about;
  const api = repositoryApi(about);
  return {
    id: 1,
    node_id: 'MDEwOlJlcG9zaXRvcnkx',
    name: repository,
    full_name: `${organization}/${repository}`,
    owner: { ...ownerOf(about), ...(inPush && { name: organization }) },
    private: false,
    fork: false,
    archived: false,
    disabled: false,
    visibility: 'public',
    description: null,
    language: null,
    topics: [],
    url: inPush ? url : api,
    html_url: url,
    clone_url: `${url}.git`,
    git_url: `${url.replace(/^https/, 'git')}.git`,
    ssh_url: `git@${hostOf(about)}:${organization}/${repository}.git`,
    tarball_url: `${api}/{archive_format}{/ref}`,
    default_branch: defaultBranch,
    ...(inPush && { master_branch: defaultBranch }),
    created_at: head.date,
    updated_at: head.date,
    pushed_at: head.date,
  };
};

const aboutOf = (about: MadeUp, where: { readonly inPush: boolean } = { inPush: false }): Fields => ({
  repository: repositoryOf(about, where),
  organization: { login: about.organization, id: 1, url: `${apiOf(about)}/orgs/${about.organization}` },
  sender: userOf(about),
  installation: { id: 1 },
});

const commitOf = ({ head, url }: MadeUp): Fields => ({
  id: head.hash,
  tree_id: head.hash,
  distinct: true,
  message: head.message,
  timestamp: head.date,
  url: `${url}/commit/${head.hash}`,
  author: { ...head.author, username: loginOf(head.author) },
  committer: { ...head.committer, username: loginOf(head.committer) },
  added: [],
  removed: [],
  modified: [],
});

const zeros = '0'.repeat(40);

/** A push of the head to this ref, which is new where it is a tag. */
export const madeUpPush = (about: MadeUp, ref: string): Fields => {
  const isTag = ref.startsWith('refs/tags/');
  const { head, before, url } = about;
  return {
    ...aboutOf(about, { inPush: true }),
    ref,
    before: isTag ? zeros : before,
    after: head.hash,
    created: isTag,
    deleted: false,
    forced: false,
    base_ref: null,
    compare: `${url}/compare/${before.slice(0, 12)}...${head.hash.slice(0, 12)}`,
    commits: [commitOf(about)],
    head_commit: commitOf(about),
    pusher: { name: loginOf(head.author), email: head.author.email },
  };
};

const endOf = (about: MadeUp, ref: string, sha: string): Fields => ({
  label: `${about.organization}:${ref}`,
  ref,
  sha,
  user: ownerOf(about),
  repo: repositoryOf(about, { inPush: false }),
});

const addressesOf = (about: MadeUp): Fields => {
  const { url, head } = about;
  const api = repositoryApi(about);
  return {
    url: `${api}/pulls/1`,
    html_url: `${url}/pull/1`,
    diff_url: `${url}/pull/1.diff`,
    patch_url: `${url}/pull/1.patch`,
    issue_url: `${api}/issues/1`,
    commits_url: `${api}/pulls/1/commits`,
    comments_url: `${api}/issues/1/comments`,
    review_comments_url: `${api}/pulls/1/comments`,
    statuses_url: `${api}/statuses/${head.hash}`,
  };
};

/** A pull request of the branch against the default one. */
const pullRequestOf = (about: MadeUp): Fields => {
  const { head, branch, defaultBranch, base } = about;
  const [title = ''] = head.message.split('\n');
  return {
    ...addressesOf(about),
    id: 1,
    node_id: 'PR_1',
    number: 1,
    state: 'open',
    locked: false,
    draft: false,
    merged: false,
    mergeable: null,
    mergeable_state: 'unknown',
    merged_by: null,
    merged_at: null,
    merge_commit_sha: null,
    auto_merge: null,
    title,
    body: '',
    user: userOf(about),
    author_association: 'OWNER',
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    labels: [],
    milestone: null,
    created_at: head.date,
    updated_at: head.date,
    closed_at: null,
    comments: 0,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: 1,
    additions: 0,
    deletions: 0,
    changed_files: 0,
    head: endOf(about, branch, head.hash),
    base: endOf(about, defaultBranch, base),
  };
};

/** A pull request that was opened. */
export const madeUpPullRequest = (about: MadeUp): Fields => ({
  ...aboutOf(about),
  action: 'opened',
  number: 1,
  pull_request: pullRequestOf(about),
});

/** A release of the tag that was published. */
export const madeUpRelease = (about: MadeUp): Fields => {
  const { tag, branch, head, url } = about;
  const api = repositoryApi(about);
  return {
    ...aboutOf(about),
    action: 'published',
    release: {
      id: 1,
      node_id: 'RE_1',
      tag_name: tag,
      target_commitish: branch,
      name: tag,
      body: '',
      draft: false,
      prerelease: false,
      html_url: `${url}/releases/tag/${tag}`,
      url: `${api}/releases/1`,
      assets_url: `${api}/releases/1/assets`,
      tarball_url: `${api}/tarball/${tag}`,
      zipball_url: `${api}/zipball/${tag}`,
      author: userOf(about),
      assets: [],
      created_at: head.date,
      published_at: head.date,
    },
  };
};

/** A command below the pull request, which is read for it. */
export const madeUpComment = (about: MadeUp): Fields => {
  const pull = pullRequestOf(about);
  const { url, html_url: page, title } = pull;
  return {
    ...aboutOf(about),
    action: 'created',
    issue: {
      id: 1,
      number: 1,
      title,
      state: 'open',
      user: userOf(about),
      labels: [],
      html_url: page,
      pull_request: { url, html_url: page },
    },
    comment: { id: 1, body: '/taskcluster test', user: userOf(about), html_url: `${page}#issuecomment-1` },
    pull_request: pull,
  };
};
