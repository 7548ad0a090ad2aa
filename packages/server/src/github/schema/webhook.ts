import { type TSchema, Type } from 'typebox';
import { oneOf, publish } from '../../http/index.ts';

const { Array: List, Integer, Object: Open, Optional, String: Text } = Type;

const named = (description: string) => Text({ minLength: 1, description });
const Login = Text({ pattern: '^([a-zA-Z0-9-_%\\[\\]]*)$' });
const Name = Text({ pattern: '^[A-Za-z0-9._-]+$' });
const FullName = Text({ pattern: '^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$' });
const Sha = Text({ pattern: '^[a-f0-9]{40}$' });
const Id = Integer({ minimum: 1 });
const Url = Text({ format: 'uri' });

/** A part that may be null. JSON schemas of the original say it by `oneOf`. */
const orNull = <S extends TSchema>(schema: S) =>
  Type.Unsafe<Type.Static<S> | null>({ oneOf: [{ type: 'null' }, schema] });

const User = Open({ login: Login });
const Owner = Type.Unsafe<{ readonly login?: string; readonly name?: string }>({
  type: 'object',
  properties: { login: Login, name: Login },
  anyOf: [{ required: ['name'] }, { required: ['login'] }],
});
const Repository = Open({ name: Name, full_name: FullName, owner: Owner });
const ClonedRepository = Open({ name: Name, full_name: FullName, clone_url: Url, owner: Owner });

/** Who sent the event, and by which installation of the app. */
const sent = { sender: User, installation: Optional(Open({ id: Id })) };

const Commit = Open({ id: Sha, message: Text() });

export const webhookPushPayload = publish(
  'github',
  'webhook-push-payload',
  Open(
    {
      ref: Text({ pattern: '^refs/(heads|tags)/.*$' }),
      before: Sha,
      after: Sha,
      repository: ClonedRepository,
      pusher: Open({ name: named('Who pushed.') }),
      commits: List(Commit),
      head_commit: Optional(orNull(Commit)),
      ...sent,
    },
    { title: 'Push', description: 'What GitHub says when commits or tags were pushed.' },
  ),
);

const Branch = Open({ sha: Sha, ref: named('The name of the branch.'), repo: ClonedRepository });

export const webhookPullRequestPayload = publish(
  'github',
  'webhook-pull-request-payload',
  Open(
    {
      action: named('What became of the pull request.'),
      number: Id,
      pull_request: Open({
        number: Id,
        title: Optional(Text()),
        state: oneOf(['open', 'closed']),
        user: User,
        head: Branch,
        base: Branch,
      }),
      repository: Open({ full_name: FullName, owner: Owner }),
      ...sent,
    },
    { title: 'Pull request', description: 'What GitHub says when something becomes of a pull request.' },
  ),
);

export const webhookIssueCommentPayload = publish(
  'github',
  'webhook-issue-comment-payload',
  Open(
    {
      action: named('What became of the comment.'),
      issue: Open({
        number: Id,
        title: Text(),
        state: oneOf(['open', 'closed']),
        user: User,
        pull_request: Optional(orNull(Type.Unsafe<object>({ type: 'object' }))),
      }),
      comment: Open({ id: Id, user: User, body: Text() }),
      repository: Repository,
      ...sent,
    },
    {
      title: 'Comment',
      description: 'What GitHub says when somebody writes below an issue or a pull request.',
    },
  ),
);

export const webhookReleasePayload = publish(
  'github',
  'webhook-release-payload',
  Open(
    {
      action: named('What became of the release.'),
      release: Open({
        id: Id,
        tag_name: named('The tag that is released.'),
        target_commitish: named('The branch or commit of the tag.'),
        draft: Type.Boolean(),
        prerelease: Type.Boolean(),
        name: Optional(orNull(Text())),
        author: User,
      }),
      repository: Repository,
      ...sent,
    },
    { title: 'Release', description: 'What GitHub says when something becomes of a release.' },
  ),
);

const Account = Open({ login: Login, id: Id, type: oneOf(['User', 'Organization']) });

export const webhookInstallationPayload = publish(
  'github',
  'webhook-installation-payload',
  Open(
    {
      action: named('What became of the installation.'),
      installation: Open({
        id: Id,
        account: Account,
        repository_selection: oneOf(['all', 'selected']),
        target_id: Id,
        target_type: oneOf(['User', 'Organization']),
      }),
      repositories: Optional(List(Open({ id: Id, name: Name, full_name: FullName }))),
      sender: User,
    },
    {
      title: 'Installation',
      description: 'What GitHub says when the app was installed or removed somewhere.',
    },
  ),
);

export const webhookCheckRunPayload = publish(
  'github',
  'webhook-check-run-payload',
  Open(
    {
      action: named('What became of the check run.'),
      check_run: Open({
        id: Id,
        head_sha: Sha,
        name: named('Its name.'),
        status: named('How far it is.'),
        conclusion: Optional(orNull(named('What came of it.'))),
        check_suite: Open({
          id: Id,
          head_sha: Sha,
          head_branch: Optional(orNull(named('The branch, where GitHub knows it.'))),
        }),
        pull_requests: List(Open({ id: Id, number: Id, head: Open({ sha: Sha }), base: Open({ sha: Sha }) })),
      }),
      repository: Repository,
      ...sent,
    },
    {
      title: 'Check run',
      description: 'What GitHub says about a check, as when somebody asks for it again.',
    },
  ),
);

/** Not among the published forms: GitHub sends it to every app, and its button "Re-run all checks" is nothing else. */
export const webhookCheckSuitePayload = publish(
  'github',
  'webhook-check-suite-payload',
  Open({
    action: named('What became of the check suite.'),
    check_suite: Open({ id: Id, head_sha: Sha }),
    repository: Repository,
    ...sent,
  }),
);

export const webhookPingPayload = publish(
  'github',
  'webhook-ping-payload',
  Open(
    {
      zen: named('A saying.'),
      hook_id: Id,
      hook: Open({
        type: oneOf(['Repository', 'Organization']),
        id: Id,
        name: oneOf(['web']),
        active: Type.Boolean(),
        events: List(named('An event that is sent.')),
        config: Type.Unsafe<object>({ type: 'object' }),
      }),
      repository: Optional(orNull(Repository)),
      organization: Optional(orNull(User)),
      sender: User,
    },
    { title: 'Ping', description: 'What GitHub says first, when a webhook was made.' },
  ),
);

/** Any of the published ones. */
export const githubWebhookEvent = publish(
  'github',
  'github-webhook-event',
  Type.Unsafe<object>({
    title: 'Event',
    description: 'What GitHub sends to the webhook. What it may add to its events later is let through.',
    oneOf: [
      webhookPullRequestPayload,
      webhookPushPayload,
      webhookIssueCommentPayload,
      webhookReleasePayload,
      webhookInstallationPayload,
      webhookCheckRunPayload,
      webhookPingPayload,
    ].map(({ schema }) => schema),
  }),
);
