import { type Static, Type } from 'typebox';
import { DateTime, exactly, oneOf, publish, Slugid } from '../../http/index.ts';
import { buildStates } from './builds.ts';
import { eventIdPattern, SanitizedName } from './messages.ts';

const { Optional, String: Text } = Type;

const Build = exactly(
  {
    organization: SanitizedName('Whose repository it is; periods are percent signs.'),
    repository: SanitizedName('Which repository; periods are percent signs.'),
    sha: Text({ minLength: 40, maxLength: 40, description: 'The commit.' }),
    state: oneOf(buildStates, { description: 'What GitHub is told of it.' }),
    taskGroupId: Type.String({ ...Slugid, description: 'Its tasks.' }),
    eventType: Text({ description: 'What made it: `push`, `pull_request.opened`, …' }),
    eventId: Type.Unsafe<string>({
      type: 'string',
      oneOf: [
        { type: 'string', pattern: eventIdPattern },
        { type: 'string', enum: ['Unknown'] },
      ],
      description: 'The delivery that made it.',
    }),
    pullRequestNumber: Optional(Type.Integer({ description: 'The pull request, if it is of one.' })),
    created: Type.String({ ...DateTime, description: 'When it began.' }),
    updated: Type.String({ ...DateTime, description: 'When it changed last; when it ended, if it has.' }),
  },
  { title: 'Build' },
);

export const buildList = publish(
  'github',
  'build-list',
  exactly(
    {
      builds: Type.Array(Build, { uniqueItems: false }),
      continuationToken: Optional(
        Text({ description: 'Hand it back for the next page, while there is one.' }),
      ),
    },
    { title: 'Page of builds' },
  ),
);
export type BuildList = Static<typeof buildList.schema>;

export const repositoryResponse = publish(
  'github',
  'repository',
  exactly(
    { installed: Type.Boolean({ description: 'Whether the app is installed there.' }) },
    { title: 'Repository' },
  ),
);

export const createStatusRequest = publish(
  'github',
  'create-status',
  exactly(
    {
      state: oneOf(['pending', 'success', 'error', 'failure']),
      target_url: Optional(Text({ description: 'Where a click on it leads.' })),
      description: Optional(Text({ description: 'A few words.' })),
      context: Optional(Text({ description: 'Tells it from the statuses of others.' })),
    },
    { title: 'Commit status' },
  ),
);
export type CreateStatus = Static<typeof createStatusRequest.schema>;

export const createCommentRequest = publish(
  'github',
  'create-comment',
  exactly({ body: Text({ description: 'In Markdown.' }) }, { title: 'Comment' }),
);

const Overrides = Type.Unsafe<Readonly<Record<string, unknown>>>({
  type: 'object',
  additionalProperties: true,
  description: 'Put into the event, over what is there.',
});
// Not by a reference: within the document of all methods it would lead nowhere.
const overrides = Optional(Overrides);

export const pullRequestActions = [
  'opened',
  'synchronize',
  'reopened',
  'assigned',
  'auto_merge_disabled',
  'auto_merge_enabled',
  'closed',
  'converted_to_draft',
  'dequeued',
  'edited',
  'enqueued',
  'labeled',
  'ready_for_review',
  'review_requested',
  'review_request_removed',
  'unassigned',
  'unlabeled',
] as const;

export const releaseActions = [
  'published',
  'unpublished',
  'created',
  'edited',
  'deleted',
  'prereleased',
  'released',
] as const;

const actions = (values: readonly string[]) => Type.Unsafe<string>({ enum: [...values] });

/** An event that nobody sent: what it is of, and what a caller puts into it. */
export interface FakeEvent {
  readonly type: string;
  readonly action?: string;
  readonly overrides?: Readonly<Record<string, unknown>>;
}

const fakeEvents = [
  exactly({ type: oneOf(['github-push']), overrides }, { title: 'Push' }),
  exactly(
    {
      type: oneOf(['github-pull-request', 'github-pull-request-untrusted']),
      action: actions(pullRequestActions),
      overrides,
    },
    { title: 'Pull request' },
  ),
  exactly(
    { type: oneOf(['github-release']), action: actions(releaseActions), overrides },
    { title: 'Release' },
  ),
  exactly(
    { type: oneOf(['github-issue-comment']), action: actions(['created', 'edited']), overrides },
    { title: 'Comment' },
  ),
];

export const renderTaskclusterYmlInput = publish(
  'github',
  'render-taskcluster-yml-input',
  exactly(
    {
      body: Text({ description: 'The text of the file.' }),
      fakeEvent: Type.Unsafe<FakeEvent>({ oneOf: fakeEvents }),
      organization: Optional(Text({ pattern: '^[-a-zA-Z0-9]{1,39}$' })),
      repository: Optional(Text({ pattern: '^[-a-zA-Z0-9_.]{1,100}$' })),
    },
    {
      title: 'A file and an event',
      definitions: { overrides: Overrides },
    },
  ),
);
export type RenderTaskclusterYml = Static<typeof renderTaskclusterYmlInput.schema>;

export const renderTaskclusterYmlOutput = publish(
  'github',
  'render-taskcluster-yml-output',
  exactly(
    {
      tasks: Type.Array(Type.Unsafe<object>({ type: 'object', additionalProperties: true }), {
        uniqueItems: false,
        description: 'As they would be created; they are not checked yet.',
      }),
      scopes: Type.Array(Text(), {
        uniqueItems: true,
        description: 'By which they would be created; the tasks have their own.',
      }),
    },
    { title: 'Rendered file' },
  ),
);
