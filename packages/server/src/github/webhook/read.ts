import { commandOf, skipReason } from '@taskyard/taskcluster-yml';
import { RequestError } from '../../base/index.ts';
import { mistakesIn, type PublishedSchema, schemaPath } from '../../http/index.ts';
import * as schema from '../schema/index.ts';
import type { Event, EventType } from './payloads.ts';

/** A repository with its number. */
type Renamed = Pick<Event['payload'], 'installation'> & {
  readonly repository: { readonly id: number; readonly full_name: string };
};

/** An installation by which GitHub can be told again, and the numbers of repositories that are new in it. */
export interface Restored {
  readonly installationId: number;
  readonly repositoryIds: readonly number[];
}

/** What a delivery is to us: an event to act on, a name or an installation to note, or why there is nothing to do. */
export type Reading =
  | { readonly event: Event }
  | { readonly renamed: Renamed }
  | { readonly restored: Restored }
  | { readonly ignored: string };

/** The form of each event that we act on, by the name that GitHub's header has for it. */
const forms: { readonly [Type in EventType]: PublishedSchema } = {
  push: schema.webhookPushPayload,
  pull_request: schema.webhookPullRequestPayload,
  issue_comment: schema.webhookIssueCommentPayload,
  release: schema.webhookReleasePayload,
  check_run: schema.webhookCheckRunPayload,
  check_suite: schema.webhookCheckSuitePayload,
};

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What may become of things so that we act on it. */
const actedOn: {
  readonly [Type in Exclude<EventType, 'push'>]: {
    readonly things: string;
    readonly actions: readonly string[];
  };
} = {
  pull_request: { things: 'pull requests', actions: schema.pullRequestActions },
  issue_comment: { things: 'comments', actions: ['created', 'edited'] },
  release: { things: 'releases', actions: schema.releaseActions },
  check_run: { things: 'check runs', actions: ['rerequested'] },
  check_suite: { things: 'check suites', actions: ['rerequested'] },
};

/** Why there is nothing to do about whatever this happened to. GitHub sends much that nobody has asked for. */
const ignoredAction = (type: EventType, payload: unknown): string | undefined => {
  if (type === 'push' || !isFields(payload) || typeof payload.action !== 'string') return undefined;
  const { things, actions } = actedOn[type];
  return actions.includes(payload.action) ? undefined : `Nobody acts on ${payload.action} of ${things}.`;
};

const skipped = (tasksFor: string, payload: object): string | undefined => {
  const reason = skipReason({ tasksFor, event: payload as Readonly<Record<string, unknown>> });
  if (reason === 'branch-deleted') return 'A branch or a tag was deleted.';
  return reason && 'It asks to be skipped.';
};

/** Why there is nothing to do about an event of a kind that we know; undefined where there is. */
const reasons: {
  readonly [Type in EventType]: (payload: Extract<Event, { type: Type }>['payload']) => string | undefined;
} = {
  push: (payload) => skipped('github-push', payload),
  pull_request: (payload) => {
    if (!payload.pull_request.head.repo) return 'The fork of the pull request is gone.';
    return skipped('github-pull-request', payload);
  },
  issue_comment: ({ issue, comment }) => {
    if (!issue.pull_request || issue.state !== 'open') return 'It belongs to no open pull request.';
    return commandOf(comment.body) === undefined ? 'It holds no command for us.' : undefined;
  },
  release: () => undefined,
  check_run: () => undefined,
  check_suite: () => undefined,
};

const ghost = { login: 'ghost' };

/** The parts of payloads whose authors may have deleted their accounts. */
const authored: readonly (readonly [part: string, author: string])[] = [
  ['pull_request', 'user'],
  ['issue', 'user'],
  ['comment', 'user'],
  ['release', 'author'],
];

const withRepository = (payload: Fields): Fields => {
  const { pull_request: pull } = payload;
  if (!isFields(pull) || !isFields(pull.head) || !isFields(pull.base) || pull.head.repo !== null)
    return payload;
  return { ...payload, pull_request: { ...pull, head: { ...pull.head, repo: pull.base.repo } } };
};

/**
 * The payload for the check of its form. Accounts may be deleted, and so may the fork of a pull request: GitHub sends null
 * then, which the published forms do not know. Who sent a push is not always said.
 */
const forCheck = (type: EventType, payload: unknown): unknown => {
  if (!isFields(payload)) return payload;
  const parts = authored.flatMap(([name, author]) => {
    const part = payload[name];
    return isFields(part) && part[author] === null ? [[name, { ...part, [author]: ghost }]] : [];
  });
  const sender = type === 'push' ? (payload.sender ?? ghost) : payload.sender;
  return withRepository({
    ...payload,
    ...Object.fromEntries(parts),
    ...(sender !== undefined && { sender }),
  });
};

const requireForm = (type: EventType, payload: unknown): void => {
  const form = forms[type];
  const mistakes = mistakesIn(form, forCheck(type, payload));
  if (mistakes.length === 0) return;
  const list = mistakes.map((mistake) => `  * ${mistake}`).join('\n');
  throw new RequestError('InputValidationError', `The delivery does not fit ${schemaPath(form)}:\n${list}`);
};

const isRenaming = (payload: unknown): payload is Renamed => {
  if (!isFields(payload) || !['renamed', 'transferred'].includes(String(payload.action))) return false;
  const { repository } = payload;
  return (
    isFields(repository) && Number.isSafeInteger(repository.id) && typeof repository.full_name === 'string'
  );
};

/** The actions after which an installation reaches what it did not reach before. */
const restoring: Readonly<Record<string, readonly string[]>> = {
  installation: ['created', 'unsuspend', 'new_permissions_accepted'],
  installation_repositories: ['added'],
};

const restoredBy = (type: string, payload: unknown): Restored | undefined => {
  const actions = Object.hasOwn(restoring, type) ? restoring[type] : undefined;
  if (!isFields(payload) || !isFields(payload.installation) || !actions?.includes(String(payload.action)))
    return undefined;
  const { id } = payload.installation;
  const repositories = payload.repositories ?? payload.repositories_added;
  const ids = Array.isArray(repositories)
    ? repositories.flatMap((one) => (isFields(one) && Number.isSafeInteger(one.id) ? [one.id as number] : []))
    : [];
  return Number.isSafeInteger(id) ? { installationId: id as number, repositoryIds: ids } : undefined;
};

const isActedOn = (type: string): type is EventType => Object.hasOwn(forms, type);

/**
 * Reads what GitHub sent as this event. Throws an InputValidationError when it has not the form of one. The form of what
 * nothing is done about is not checked: the first delivery to a new app has no sender.
 */
export const readEvent = (type: string, payload: unknown): Reading => {
  if (type === 'ping') return { ignored: 'Taskyard hears you.' };
  if (type === 'repository' && isRenaming(payload)) return { renamed: payload };
  const restored = restoredBy(type, payload);
  if (restored) return { restored };
  if (!isActedOn(type)) return { ignored: `Nobody acts on ${type} here.` };
  const unasked = ignoredAction(type, payload);
  if (unasked !== undefined) return { ignored: unasked };
  requireForm(type, payload);
  const event = { type, payload } as Event;
  const ignored = (reasons[event.type] as (payload: unknown) => string | undefined)(event.payload);
  return ignored === undefined ? { event } : { ignored };
};
