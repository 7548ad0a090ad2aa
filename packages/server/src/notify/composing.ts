import { mistakesIn, type PublishedSchema } from '../http/index.ts';
import { type Notification, type NotifyRoute, notificationOf, type StatusInMessage } from './lifecycle.ts';
import type { Rendered } from './rendering/index.ts';
import { emailRequest, mailLimits, matrixRequest, type NotificationType, slackRequest } from './schema.ts';

/** A task's definition, as far as messages about it use it; `extra` is its author's and may hold anything. */
export interface TaskInMessage {
  readonly taskGroupId: string;
  readonly metadata: {
    readonly name: string;
    readonly description: string;
    readonly owner: string;
    readonly source: string;
  };
  readonly extra?: { readonly notify?: unknown };
}

/** The data that a message is made from. */
export interface Occasion {
  readonly route: NotifyRoute;
  readonly status: StatusInMessage;
  readonly task: TaskInMessage;
  readonly rootUrl: string;
  /** The rendered templates of the task's author. */
  readonly rendered: Readonly<Record<string, Rendered>>;
}

// More than Matrix and Slack accept. Templates are short, but their results can be long.
const textMax = 200_000;

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** What the author of a task wrote for messages of a type: templates, by what they are for. */
export const templatesOf = ({ route, task }: Pick<Occasion, 'route' | 'task'>): Fields => {
  const extra = fieldsOf(task.extra?.notify);
  const own = templates[route.type](extra);
  return Object.fromEntries(Object.entries(own).filter(([, template]) => isGiven(template)));
};

const isGiven = (template: unknown): boolean =>
  template !== undefined && template !== null && template !== '';

/** What templates see. */
export const contextOf = ({ task, status, rootUrl }: Omit<Occasion, 'rendered'>) => ({
  task,
  status,
  taskId: status.taskId,
  rootUrl,
});

/** The notification that a route of a task asks for, or why there can be none. Never throws. */
export const compose = (occasion: Occasion): Notification | { readonly mistake: string } => {
  const { type, address } = occasion.route;
  if (type === 'pulse') return notificationOf(type, address, occasion.status);
  const { request, schema } = composers[type](occasion);
  // Without what is undefined, and checked like a call: what authors of tasks write in `extra` is not.
  const text = JSON.stringify(request);
  if (text.length > textMax) return { mistake: `it is longer than ${textMax} characters` };
  const message = JSON.parse(text) as object;
  const mistakes = mistakesIn(schema, message);
  return mistakes.length > 0 ? { mistake: mistakes.join('; ') } : notificationOf(type, address, message);
};

interface Composed {
  readonly request: object;
  readonly schema: PublishedSchema;
}

/** The text of the task's author, or the default one. The message itself tells of a mistake in it. */
const rendererOf =
  ({ rendered }: Occasion) =>
  (name: string, otherwise: unknown): unknown => {
    const own = rendered[name];
    if (!own) return otherwise;
    return 'value' in own ? own.value : `The template in extra.notify cannot be rendered: ${own.mistake}`;
  };

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? ''));

const urlsOf = ({ status, task, rootUrl }: Occasion) => ({
  href: `${rootUrl}/tasks/${status.taskId}`,
  groupHref: `${rootUrl}/tasks/groups/${task.taskGroupId}`,
});

const verbs: Readonly<Record<string, string>> = {
  unscheduled: 'was defined',
  pending: 'is pending',
  running: 'is running',
  completed: 'completed',
  failed: 'failed',
  exception: 'ended as an exception',
};
const verbOf = ({ status }: Occasion): string => verbs[status.state] ?? `is ${status.state}`;

const mailText = (occasion: Occasion): string => {
  const { status, task } = occasion;
  const { href, groupHref } = urlsOf(occasion);
  const { name, description, owner, source } = task.metadata;
  const runs = status.runs.length === 1 ? '1 run' : `${status.runs.length} runs`;
  return [
    `The task [\`${status.taskId}\`](${href}) ${verbOf(occasion)}.`,
    '',
    `- **Name:** ${name}`,
    `- **Description:** ${description}`,
    `- **State:** ${status.state}, after ${runs}`,
    `- **Group:** [\`${task.taskGroupId}\`](${groupHref})`,
    `- **Owner:** ${owner}`,
    `- **Source:** ${source}`,
  ].join('\n');
};

const composeEmail = (occasion: Occasion): Composed => {
  const { task, status, route } = occasion;
  const render = rendererOf(occasion);
  const subject = `Task ${status.state}: ${task.metadata.name} - ${status.taskId}`;
  const ownLink = { text: 'Show the task', href: urlsOf(occasion).href };
  const request = {
    address: route.address,
    subject: textOf(render('subject', subject)).slice(0, mailLimits.subject),
    content: textOf(render('content', mailText(occasion))).slice(0, mailLimits.content),
    link: render('link', ownLink),
    template: render('template', 'simple'),
  };
  return { request, schema: emailRequest };
};

const composeMatrix = (occasion: Occasion): Composed => {
  const { task, route } = occasion;
  const extra = fieldsOf(task.extra?.notify);
  const render = rendererOf(occasion);
  const body = `The task '${task.metadata.name}' ${verbOf(occasion)}: ${urlsOf(occasion).href}`;
  const formatted = render('formattedBody', undefined);
  const request = {
    roomId: route.address,
    body: textOf(render('body', body)),
    format: extra.matrixFormat,
    formattedBody: formatted === undefined ? undefined : textOf(formatted),
    msgtype: extra.matrixMsgtype,
  };
  return { request, schema: matrixRequest };
};

const signs: Readonly<Record<string, string>> = {
  pending: ':hourglass_flowing_sand:',
  running: ':gear:',
  completed: ':white_check_mark:',
  failed: ':x:',
  exception: ':warning:',
};

/** Slack reads text between angle brackets as links, mentions and calls to everybody. */
const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const composeSlack = (occasion: Occasion): Composed => {
  const { task, status, route } = occasion;
  const extra = fieldsOf(task.extra?.notify);
  const render = rendererOf(occasion);
  const { href, groupHref } = urlsOf(occasion);
  const name = slackText(task.metadata.name).replaceAll('|', '¦');
  const sign = signs[status.state] ?? ':grey_question:';
  const text = textOf(render('text', `${sign} <${href}|${name}> ${verbOf(occasion)}`));
  const section = (of: string) => ({ type: 'mrkdwn', text: of });
  const ownBlocks = [
    { type: 'section', text: section(text) },
    { type: 'context', elements: [section(`Group <${groupHref}|${task.taskGroupId}>`)] },
  ];
  const request = {
    channelId: route.address,
    text,
    blocks: render('blocks', ownBlocks),
    attachments: render('attachments', undefined),
    unfurlLinks: extra.slackUnfurlLinks,
    unfurlMedia: extra.slackUnfurlMedia,
  };
  return { request, schema: slackRequest };
};

const composers = {
  email: composeEmail,
  'matrix-room': composeMatrix,
  'slack-channel': composeSlack,
} as const;

const templates: Readonly<Record<NotificationType, (extra: Fields) => Fields>> = {
  email: (extra) => {
    const { subject, content, link, template } = fieldsOf(extra.email);
    return { subject, content, link, template };
  },
  pulse: () => ({}),
  'matrix-room': ({ matrixBody, matrixFormattedBody }) => ({
    body: matrixBody,
    formattedBody: matrixFormattedBody,
  }),
  'slack-channel': ({ slackText, slackBlocks, slackAttachments }) => ({
    text: slackText,
    blocks: slackBlocks,
    attachments: slackAttachments,
  }),
};
