import {
  type MadeUp,
  madeUpComment,
  madeUpPullRequest,
  madeUpPush,
  madeUpRelease,
} from '@taskyard/taskcluster-yml';
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

const somebody = { name: 'somebody', email: 'somebody@example.com' };

/** A repository that nobody has. */
const madeUp = (organization: string, repository: string): MadeUp => ({
  organization,
  repository,
  url: `https://github.com/${organization}/${repository}`,
  defaultBranch: 'main',
  branch: 'topic',
  tag: 'v1.0.0',
  head: {
    hash: 'b'.repeat(40),
    message: 'A commit',
    date: '2024-01-01T00:00:00Z',
    author: somebody,
    committer: somebody,
  },
  before: 'a'.repeat(40),
  base: 'a'.repeat(40),
});

const makers: Readonly<Record<string, (about: MadeUp) => Fields>> = {
  'github-push': (about) => madeUpPush(about, `refs/heads/${about.defaultBranch}`),
  'github-release': (about) => madeUpRelease({ ...about, branch: about.defaultBranch }),
  'github-issue-comment': (about) => ({ ...madeUpComment(about), taskcluster_comment: 'test' }),
};

/** What GitHub says of each kind of event. */
const payloadOf = ({ type, action }: FakeEvent, about: MadeUp): Fields => ({
  ...(makers[type] ?? madeUpPullRequest)(about),
  ...(action === undefined ? {} : { action }),
});

/** Renders a file for an event that nobody sent: what it would make, and by which scopes. */
export const renderTaskclusterYml = async (
  { rendering, clock, rootUrl }: Context,
  { body, fakeEvent, organization = 'taskyard', repository = 'example' }: RenderTaskclusterYml,
) => {
  const payload = payloadOf(fakeEvent, madeUp(organization, repository));
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
