import { commandOf, detailsOf } from '@taskyard/taskcluster-yml';
import { type Message, routingKey } from '../events/index.ts';
import type { ExchangeDeclaration, PublishedSchema, RoutingKeyWord } from '../http/index.ts';
import { sanitized } from './names.ts';
import * as schema from './schema/index.ts';
import type { DeliveryRow } from './store/index.ts';
import { branchOf, type Event, tasksForOf } from './webhook/index.ts';

const prefix = 'exchange/taskcluster-github/v1/';

type Delivered = Pick<DeliveryRow, 'eventId' | 'organization' | 'repository' | 'installationId'>;

const keyOf = (
  { organization, repository }: Pick<Delivered, 'organization' | 'repository'>,
  ...more: string[]
) => routingKey(['primary', sanitized(organization), sanitized(repository), ...more]);

const exchangeOf: { readonly [Type in Event['type']]?: string } = {
  push: 'push',
  pull_request: 'pull-request',
  issue_comment: 'pull-request',
  release: 'release',
  check_run: 'rerun',
};

const ownFields = ({ type, payload }: Event): object => {
  switch (type) {
    case 'check_run':
      return { checkRunId: payload.check_run.id, checkSuiteId: payload.check_run.check_suite.id };
    case 'pull_request':
      return { branch: branchOf({ type, payload } as Event), action: payload.action };
    case 'issue_comment':
      // The comment says nothing of the branch.
      return { branch: 'unknown', action: payload.action };
    default:
      return { branch: branchOf({ type, payload } as Event) };
  }
};

/** The last word of the routing key, where it has one: comments are told with the pull requests. */
const actionOf = ({ type, payload }: Event): string | undefined =>
  type === 'pull_request' || type === 'issue_comment' ? payload.action : undefined;

/** What files of version 0 may name. */
const detailsFor = (event: Event, delivered: Delivered, tasksFor: string): object => {
  const { organization, repository } = delivered;
  const { type, payload } = event;
  const about = { organization, repository, rootUrl: '', now: '' };
  if (type === 'check_run')
    return detailsOf({ ...about, tasksFor: 'github-check-run', event: { ...payload } });
  const more = type === 'issue_comment' ? { taskcluster_comment: commandOf(payload.comment.body) } : {};
  return detailsOf({ ...about, tasksFor, event: { ...payload, ...more } });
};

/** Says what GitHub has sent; nothing where no exchange is for it. */
export const eventHappened = (delivery: Delivered, event: Event): Message[] => {
  const exchange = exchangeOf[event.type];
  if (exchange === undefined) return [];
  const { eventId, organization, repository, installationId } = delivery;
  const tasksFor = tasksForOf(event);
  const action = actionOf(event);
  const body = {
    version: 1,
    organization: sanitized(organization),
    repository: sanitized(repository),
    installationId: installationId ?? 0,
    eventId,
    tasks_for: tasksFor,
    ...ownFields(event),
    details: detailsFor(event, delivery, tasksFor),
    body: event.payload,
  };
  const key = keyOf(delivery, ...(action === undefined ? [] : [action]));
  return [{ exchange: prefix + exchange, routingKey: key, routes: [], body }];
};

interface Created extends Pick<Delivered, 'organization' | 'repository'> {
  readonly taskGroupId: string;
  readonly route: string;
}

/** Says that all tasks of a file were created. Those who wait for a kind of report find it by its route. */
export const tasksCreated = ({ organization, repository, taskGroupId, route }: Created): Message => ({
  exchange: `${prefix}task-group-creation-requested`,
  routingKey: keyOf({ organization, repository }),
  routes: [route],
  body: { version: 1, organization: sanitized(organization), repository: sanitized(repository), taskGroupId },
});

/** Says that a push has changed the file. */
export const fileChanged = (delivery: Omit<Delivered, 'installationId'>, ref: string): Message => {
  const { eventId, organization, repository } = delivery;
  return {
    exchange: `${prefix}taskcluster-yml-update`,
    routingKey: keyOf(delivery),
    routes: [],
    body: { version: 1, organization, repository, ref, eventId },
  };
};

const kind: RoutingKeyWord = {
  name: 'routingKeyKind',
  summary: 'Always `primary`.',
  constant: 'primary',
  required: true,
  multipleWords: false,
};
const word = (name: string, summary: string): RoutingKeyWord => ({
  name,
  summary,
  required: true,
  multipleWords: false,
});
const inNames =
  'Periods are percent signs there; what is neither a letter, a digit, `-` nor `_` is left out.';
const organization = word('organization', `Whose repository it is. ${inNames}`);
const repository = word('repository', `Which repository. ${inNames}`);
const action = word('action', 'What became of the pull request, or of the comment with a command.');

const declare = (
  exchange: string,
  name: string,
  about: { readonly title: string; readonly description: string; readonly schema: PublishedSchema },
  ...more: RoutingKeyWord[]
): ExchangeDeclaration => ({
  exchange,
  name,
  title: about.title,
  description: about.description,
  routingKey: [kind, organization, repository, ...more],
  schema: about.schema,
});

/** Every exchange of the service. */
export const exchanges: readonly ExchangeDeclaration[] = [
  declare(
    'pull-request',
    'pullRequest',
    {
      title: 'Something became of a pull request',
      description: 'Sent for each event of a pull request that GitHub reports, and for commands in comments.',
      schema: schema.githubPullRequestMessage,
    },
    action,
  ),
  declare('push', 'push', {
    title: 'Something was pushed',
    description: 'Sent when commits or a tag were pushed, unless the last of them asks to be skipped.',
    schema: schema.githubPushMessage,
  }),
  declare('release', 'release', {
    title: 'Something became of a release',
    description: 'Sent for each event of a release that GitHub reports.',
    schema: schema.githubReleaseMessage,
  }),
  declare('rerun', 'rerun', {
    title: 'A check is wanted again',
    description: 'Sent when a person asks GitHub to run a check of ours again.',
    schema: schema.githubRerunMessage,
  }),
  declare('task-group-creation-requested', 'taskGroupCreationRequested', {
    title: 'The tasks of a file were created',
    description: 'Sent in the transaction that creates the tasks, with the route `checks` or `statuses`.',
    schema: schema.taskGroupCreationRequested,
  }),
  declare('taskcluster-yml-update', 'taskclusterYmlUpdate', {
    title: 'A push changed .taskcluster.yml',
    description:
      'Sent beside the message about a push whose commits add, change or remove the file. Where GitHub has left out some ' +
      'of the commits or files, the file before the push is compared with the one after it.',
    schema: schema.taskclusterYmlUpdateMessage,
  }),
];
