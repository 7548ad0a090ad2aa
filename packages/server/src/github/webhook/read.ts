import { commandOf, skipReason } from '@taskyard/taskcluster-yml';
import { RequestError } from '../../base/index.ts';
import { mistakesIn, type PublishedSchema, schemaPath } from '../../http/index.ts';
import * as schema from '../schema/index.ts';
import type { Event, EventType } from './payloads.ts';

/** What a delivery is to us: an event to act on, or why there is nothing to do. */
export type Reading = { readonly event: Event } | { readonly ignored: string };

/** The form of each event that we act on, by the name that GitHub's header has for it. */
const forms: { readonly [Type in EventType]: PublishedSchema } = {
  push: schema.webhookPushPayload,
  pull_request: schema.webhookPullRequestPayload,
  issue_comment: schema.webhookIssueCommentPayload,
  release: schema.webhookReleasePayload,
  check_run: schema.webhookCheckRunPayload,
  check_suite: schema.webhookCheckSuitePayload,
};

const pullRequestActions: ReadonlySet<string> = new Set(schema.pullRequestActions);
const releaseActions: ReadonlySet<string> = new Set(schema.releaseActions);

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
    if (!pullRequestActions.has(payload.action)) return `Nobody acts on ${payload.action} of pull requests.`;
    if (!payload.pull_request.head.repo) return 'The fork of the pull request is gone.';
    return skipped('github-pull-request', payload);
  },
  issue_comment: ({ action, issue, comment }) => {
    if (action !== 'created' && action !== 'edited') return `Nobody acts on comments that are ${action}.`;
    if (!issue.pull_request || issue.state !== 'open') return 'It belongs to no open pull request.';
    return commandOf(comment.body) === undefined ? 'It holds no command for us.' : undefined;
  },
  release: ({ action }) => (releaseActions.has(action) ? undefined : `Nobody acts on ${action} of releases.`),
  check_run: ({ action }) =>
    action === 'rerequested' ? undefined : `Nobody acts on ${action} of check runs.`,
  check_suite: ({ action }) =>
    action === 'rerequested' ? undefined : `Nobody acts on ${action} of check suites.`,
};

interface Ends {
  readonly user?: unknown;
  readonly head?: { readonly repo?: unknown } | null;
  readonly base?: { readonly repo?: unknown } | null;
}

/**
 * The payload for the check of its form. The fork of a pull request may be deleted, and so may the account of its author:
 * GitHub sends null then, which the published form does not know.
 */
const forCheck = (type: EventType, payload: unknown): unknown => {
  const { pull_request: pull, ...rest } = (payload ?? {}) as { pull_request?: Ends | null };
  if (type !== 'pull_request' || !pull) return payload;
  const head = pull.head?.repo === null ? { ...pull.head, repo: pull.base?.repo } : pull.head;
  const user = pull.user === null ? { login: 'ghost' } : pull.user;
  return { ...rest, pull_request: { ...pull, head, user } };
};

const requireForm = (type: EventType, payload: unknown): void => {
  const form = forms[type];
  const mistakes = mistakesIn(form, forCheck(type, payload));
  if (mistakes.length === 0) return;
  const list = mistakes.map((mistake) => `  * ${mistake}`).join('\n');
  throw new RequestError('InputValidationError', `The delivery does not fit ${schemaPath(form)}:\n${list}`);
};

const isActedOn = (type: string): type is EventType => Object.hasOwn(forms, type);

/**
 * Reads what GitHub sent as this event. Throws an InputValidationError when it has not the form of one. The form of what
 * nothing is done about is not checked: the first delivery to a new app has no sender.
 */
export const readEvent = (type: string, payload: unknown): Reading => {
  if (type === 'ping') return { ignored: 'Taskyard hears you.' };
  if (!isActedOn(type)) return { ignored: `Nobody acts on ${type} here.` };
  requireForm(type, payload);
  const event = { type, payload } as Event;
  const ignored = (reasons[event.type] as (payload: unknown) => string | undefined)(event.payload);
  return ignored === undefined ? { event } : { ignored };
};
