import { installation } from './fake-github.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A commit's name, by one digit. */
export const sha = (digit: string): string => digit.repeat(40);

/** A number that no other repository has. */
const numberOf = (fullName: string): number =>
  [...fullName].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, 7);

/** A repository as payloads show it. */
export const repository = (fullName = 'org/repo', id = numberOf(fullName)) => {
  const [owner = '', name = ''] = fullName.split('/');
  return {
    id,
    name,
    full_name: fullName,
    owner: { login: owner, name: owner },
    clone_url: `https://github.com/${fullName}.git`,
    html_url: `https://github.com/${fullName}`,
    default_branch: 'main',
  };
};

const about = { installation, sender: { login: 'alice', type: 'User' } };

/** A push of one commit to a branch. */
export const push = (fields: Fields = {}): Fields => ({
  ref: 'refs/heads/topic',
  before: sha('a'),
  after: sha('b'),
  repository: repository(),
  pusher: { name: 'alice' },
  commits: [{ id: sha('b'), message: 'A commit', added: [], modified: ['README.md'], removed: [] }],
  head_commit: { id: sha('b'), message: 'A commit' },
  ...about,
  ...fields,
});

/** Something became of a pull request; by default it was opened from a branch of the repository itself. */
export const pullRequest = (fields: Fields = {}, pull: Fields = {}): Fields => ({
  action: 'opened',
  number: 7,
  repository: repository(),
  pull_request: pullOf(pull),
  ...about,
  ...fields,
});

/** A pull request as GitHub describes it. */
export const pullOf = (pull: Fields = {}): Fields => ({
  number: 7,
  state: 'open',
  title: 'A change',
  user: { login: 'alice' },
  head: { ref: 'topic', sha: sha('b'), user: { login: 'org' }, repo: repository() },
  base: { ref: 'main', sha: sha('a'), user: { login: 'org' }, repo: repository() },
  ...pull,
});

/** The head of a pull request that comes from somebody's fork. */
export const headOfFork = (login: string): Fields => ({
  ref: 'topic',
  sha: sha('b'),
  user: { login },
  repo: repository(`${login}/repo`),
});

/** Somebody has written below a pull request. */
export const comment = (body: string, fields: Fields = {}): Fields => ({
  action: 'created',
  issue: { number: 7, title: 'A change', state: 'open', user: { login: 'alice' }, pull_request: {} },
  comment: { id: 1, body, user: { login: 'alice' } },
  repository: repository(),
  ...about,
  ...fields,
});

/** A release was published. */
export const release = (fields: Fields = {}): Fields => ({
  action: 'published',
  release: {
    id: 1,
    tag_name: 'v1.0.0',
    target_commitish: 'main',
    draft: false,
    prerelease: false,
    name: null,
    author: { login: 'alice' },
  },
  repository: repository(),
  ...about,
  ...fields,
});

/** Somebody has pressed the button of a check run. */
export const checkRun = (id: number, fields: Fields = {}): Fields => ({
  action: 'rerequested',
  check_run: {
    id,
    head_sha: sha('b'),
    name: 'a check',
    status: 'completed',
    conclusion: 'failure',
    check_suite: { id: 77, head_sha: sha('b'), head_branch: 'topic' },
    pull_requests: [],
  },
  repository: repository(),
  ...about,
  ...fields,
});

/** Somebody has pressed the button for all checks of a commit. */
export const checkSuite = (commit: string, fields: Fields = {}): Fields => ({
  action: 'rerequested',
  check_suite: { id: 77, head_sha: commit, head_branch: 'topic' },
  repository: repository(),
  ...about,
  ...fields,
});

/** A repository was renamed, or transferred to another owner. */
export const renamed = (to: Fields, action = 'renamed'): Fields => ({ action, repository: to, ...about });

/** A file of version 1 with one task for each name. */
export const aFile = (names: readonly string[] = ['build'], head = ''): string =>
  [
    'version: 1',
    head,
    'tasks:',
    ...names.flatMap((name) => [
      `  - taskId: {$eval: as_slugid("${name}")}`,
      '    taskQueueId: prov/type',
      '    created: {$fromNow: ""}',
      '    deadline: {$fromNow: "1 hour"}',
      '    payload: {}',
      `    metadata: {name: ${name}, description: Made by a test., owner: a@example.com, source: "https://example.com"}`,
    ]),
    '',
  ].join('\n');
