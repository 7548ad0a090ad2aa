import { type TSchema, Type } from 'typebox';
import { exactly, publish } from '../../http/index.ts';

const { Optional, String: Text } = Type;

/** A name as routing keys carry it: periods are percent signs. */
export const SanitizedName = (description: string) =>
  Text({ minLength: 1, maxLength: 100, pattern: '^([a-zA-Z0-9-_%]*)$', description });

export const eventIdPattern = '^[a-zA-Z0-9]{8}-[a-zA-Z0-9]{4}-[a-zA-Z0-9]{4}-[a-zA-Z0-9]{4}-[a-zA-Z0-9]{12}$';

const Version = Type.Unsafe<1>({ enum: [1], description: 'Of the form of this message.' });
const organization = SanitizedName('Whose repository it is.');
const repository = SanitizedName('Which repository.');
const Body = Type.Unsafe<object>({ type: 'object', description: 'What GitHub sent.' });
const Details = Type.Unsafe<object>({
  type: 'object',
  description: 'The same in short, for files of version 0.',
});

const about = {
  version: Version,
  organization,
  repository,
  eventId: Text({ pattern: eventIdPattern, description: 'The id of the delivery.' }),
  details: Optional(Details),
  body: Body,
  tasks_for: Text({ description: 'What templates are told that they are rendered for.' }),
};
const installationId = Type.Integer({ description: 'The installation of the app.' });
const boundedId = Type.Integer({ ...installationId, minimum: 0, maximum: 10_000_000_000 });
const branch = Text({ description: 'The branch that it happened on.' });

const message = <P extends Record<string, TSchema>>(name: string, title: string, properties: P) =>
  publish(
    'github',
    name,
    exactly(properties, { title, description: `Says that this happened: ${title.toLowerCase()}.` }),
  );

export const githubPushMessage = message('github-push-message', 'Push', { ...about, installationId, branch });

export const githubPullRequestMessage = message('github-pull-request-message', 'Pull request', {
  ...about,
  installationId: boundedId,
  branch,
  action: Text({ description: 'What became of the pull request.' }),
});

export const githubReleaseMessage = message('github-release-message', 'Release', {
  ...about,
  installationId: boundedId,
  branch,
});

export const githubRerunMessage = message('github-rerun-message', 'A check is wanted again', {
  ...about,
  installationId,
  checkRunId: Type.Number(),
  checkSuiteId: Type.Number(),
});

export const taskGroupCreationRequested = message(
  'task-group-creation-requested',
  'Tasks were created for an event',
  { version: Version, organization, repository, taskGroupId: Text({ description: 'Their group.' }) },
);

/** Of the original since v108.1; its schema was not published where we could read it, the fields were. */
export const taskclusterYmlUpdateMessage = message(
  'taskcluster-yml-update-message',
  'A push changed .taskcluster.yml',
  {
    version: Version,
    organization: Text({ description: 'Whose repository it is, as GitHub spells it.' }),
    repository: Text({ description: 'Which repository, as GitHub spells it.' }),
    ref: Text({ description: 'What was pushed to: `refs/heads/…` or `refs/tags/…`.' }),
    eventId: about.eventId,
  },
);
