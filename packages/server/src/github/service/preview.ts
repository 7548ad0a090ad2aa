import { RequestError } from '../../base/index.ts';
import type { Context } from '../context.ts';
import type { FakeEvent, RenderTaskclusterYml } from '../schema/index.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a caller puts into an event, over what is there, map by map. */
const overlaid = (under: Fields, over: Fields): Fields => ({
  ...under,
  ...Object.fromEntries(
    Object.entries(over).map(([key, value]) => {
      const below = Object.hasOwn(under, key) ? under[key] : undefined;
      return [key, isFields(value) && isFields(below) ? overlaid(below, value) : value];
    }),
  ),
});

const sha = (digit: string): string => digit.repeat(40);

const repositoryOf = (organization: string, repository: string): Fields => {
  const fullName = `${organization}/${repository}`;
  return {
    id: 1,
    name: repository,
    full_name: fullName,
    owner: { login: organization, name: organization, id: 1 },
    html_url: `https://github.com/${fullName}`,
    url: `https://github.com/${fullName}`,
    clone_url: `https://github.com/${fullName}.git`,
    ssh_url: `git@github.com:${fullName}.git`,
    default_branch: 'main',
    private: false,
  };
};

const commit = (id: string): Fields => ({
  id,
  message: 'A commit',
  timestamp: '2024-01-01T00:00:00Z',
  author: { name: 'Somebody', email: 'somebody@example.com', username: 'somebody' },
  added: [],
  modified: [],
  removed: [],
});

const pullRequestIn = (repository: Fields): Fields => {
  const { full_name: fullName, owner } = repository;
  return {
    id: 1,
    number: 1,
    state: 'open',
    title: 'A pull request',
    body: '',
    html_url: `https://github.com/${fullName}/pull/1`,
    draft: false,
    merged: false,
    user: { login: 'somebody', id: 2 },
    head: {
      ref: 'topic',
      label: 'somebody:topic',
      sha: sha('b'),
      user: { login: 'somebody', id: 2 },
      repo: repository,
    },
    base: { ref: 'main', label: 'main', sha: sha('a'), user: owner, repo: repository },
  };
};

/** What GitHub says of each kind of event, for a repository that nobody has. */
const payloadOf = ({ type, action }: FakeEvent, repository: Fields): Fields => {
  const sender = { login: 'somebody', id: 2, type: 'User' };
  const about = { repository, sender, installation: { id: 1 }, ...(action === undefined ? {} : { action }) };
  switch (type) {
    case 'github-push':
      return {
        ...about,
        ref: 'refs/heads/main',
        before: sha('a'),
        after: sha('b'),
        created: false,
        deleted: false,
        forced: false,
        compare: `https://github.com/${repository.full_name}/compare/aaaaaaaaaaaa...bbbbbbbbbbbb`,
        commits: [commit(sha('b'))],
        head_commit: commit(sha('b')),
        pusher: { name: 'somebody', email: 'somebody@example.com' },
      };
    case 'github-release':
      return {
        ...about,
        release: {
          id: 1,
          tag_name: 'v1.0.0',
          target_commitish: 'main',
          name: 'v1.0.0',
          body: '',
          draft: false,
          prerelease: false,
          author: sender,
          url: `https://api.github.com/repos/${repository.full_name}/releases/1`,
          html_url: `https://github.com/${repository.full_name}/releases/tag/v1.0.0`,
          published_at: '2024-01-01T00:00:00Z',
        },
      };
    case 'github-issue-comment':
      return {
        ...about,
        issue: { number: 1, title: 'A pull request', state: 'open', user: sender, pull_request: {} },
        comment: { id: 1, body: '/taskcluster test', user: sender },
        pull_request: pullRequestIn(repository),
        taskcluster_comment: 'test',
      };
    default:
      return { ...about, number: 1, pull_request: pullRequestIn(repository) };
  }
};

/** Renders a file for an event that nobody sent: what it would make, and by which scopes. */
export const renderTaskclusterYml = async (
  { rendering, clock, rootUrl }: Context,
  { body, fakeEvent, organization = 'taskyard', repository = 'example' }: RenderTaskclusterYml,
) => {
  const payload = payloadOf(fakeEvent, repositoryOf(organization, repository));
  const rendered = await rendering.render(body, {
    tasksFor: fakeEvent.type,
    rootUrl: rootUrl(),
    organization,
    repository,
    event: overlaid(payload, fakeEvent.overrides ?? {}),
    now: clock.now().toJSON(),
  });
  if ('mistakes' in rendered) throw new RequestError('InputError', rendered.mistakes.join('\n'));
  const { tasks, scopes } = rendered;
  return { tasks: tasks.map(({ taskId, task }) => ({ taskId, ...task })), scopes: [...new Set(scopes)] };
};
