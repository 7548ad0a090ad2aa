import {
  type Answer,
  bindQueries,
  bindVerbs,
  inBatches,
  later,
  RequestError,
  type Sql,
  type Transaction,
  together,
  type Verb,
} from '../base/index.ts';
import { type Message, outbox } from '../events/index.ts';
import { pageLimit, pagesOf } from '../http/index.ts';
import { compose, contextOf, type Occasion, type TaskInMessage, templatesOf } from './composing.ts';
import type { Context } from './context.ts';
import { notification as notificationMessage } from './events.ts';
import type { Notification, Outcome } from './lifecycle.ts';
import * as lifecycle from './lifecycle.ts';
import type { Render, Rendered } from './rendering/index.ts';
import {
  type EmailRequest,
  type MatrixRequest,
  mailLimits,
  type NotificationAddress,
  type PulseRequest,
  type SlackRequest,
} from './schema.ts';
import * as store from './store.ts';

/** A mail that a domain sends. */
export type Email = EmailRequest;

// A routing key has 255 bytes at most, and `primary.` comes before it.
const topicBytesMax = 255 - 'primary.'.length;

const isPublishable = ({ type, address }: Notification): boolean =>
  type !== 'pulse' || Buffer.byteLength(address) <= topicBytesMax;

/** The settings that a sender needs, by the names that an operator knows. */
const settingsFor = {
  email: 'SMTP_URL and EMAIL_SOURCE_ADDRESS',
  'matrix-room': 'MATRIX_BASE_URL and MATRIX_ACCESS_TOKEN',
  'slack-channel': 'SLACK_ACCESS_TOKEN',
} as const;

const refusalOf = ({ type, address }: Notification, outcome: Outcome): RequestError | undefined => {
  if (outcome === 'denied') {
    return new RequestError(
      'DenylistedAddress',
      `Nothing is sent to the ${type} ${address}: it is denylisted.`,
    );
  }
  if (outcome === 'unconfigured' && type !== 'pulse') {
    const message = `Nothing can be sent to the ${type} ${address} here until its operator sets ${settingsFor[type]}.`;
    return new RequestError('ResourceNotFound', message);
  }
  return undefined;
};

/** Accepts these notifications, as far as they may be sent; returns the outcome of each. */
export const accept = async (
  context: Context,
  tx: Transaction,
  notifications: readonly Notification[],
): Promise<Outcome[]> => {
  if (notifications.length === 0) return [];
  const now = context.clock.now();
  const decided = lifecycle.decide(notifications, await readFacts(context, tx, { notifications, now }));
  const outcomes = await remember(tx, { notifications, decided, now });
  const accepted = notifications.filter((_, i) => outcomes[i] === 'accepted');
  const outgoing = accepted.filter(({ type }) => type !== 'pulse');
  const published = accepted.filter(({ type }) => type === 'pulse');
  await outbox.append(
    tx,
    published.map(({ address, message }) => notificationMessage(address, message)),
    now,
  );
  if (outgoing.length > 0) await store.insertOutgoing(tx, outgoing, now);
  tx.afterCommit(() => {
    if (outgoing.length > 0) context.accepted.wake();
    for (const [i, { type }] of notifications.entries()) context.tally.count(type, outcomes[i] as Outcome);
  });
  return outcomes;
};

interface Undecided {
  readonly notifications: readonly Notification[];
  readonly now: Date;
}

const readFacts = async (
  { senders }: Context,
  tx: Transaction,
  { notifications, now }: Undecided,
): Promise<lifecycle.Facts> => {
  const lately = latelyAt(now);
  const mails = notifications.filter(({ type }) => type === 'email').map(({ address }) => address);
  const [denied, recent, counts] = await together(
    store.deniedAmong(tx, notifications),
    store.recentAmong(tx, digestsOf(notifications), lately),
    store.countRecentMails(tx, mails, lately),
  );
  const place = ({ type, address }: { type: string; address: string }) => `${type} ${address}`;
  const deniedPlaces = new Set(denied.map(place));
  const recentDigests = new Set(recent);
  const countOf = new Map(counts.map(({ address, count }) => [address, count]));
  return {
    isConfigured: (type) => type === 'pulse' || senders[type] !== undefined,
    isDenied: (notification) => deniedPlaces.has(place(notification)),
    isRecent: (digest) => recentDigests.has(digest),
    mailsTo: (address) => countOf.get(address) ?? 0,
  };
};

// The clock of another process may be ahead.
const latelyAt = (now: Date): store.Lately => ({
  after: later(now, -lifecycle.recentMs),
  until: later(now, lifecycle.recentMs),
});

const digestsOf = (notifications: readonly Notification[]): string[] =>
  notifications.map(({ digest }) => digest);

/** Remembers accepted messages. Those that another transaction has accepted meanwhile are duplicates. */
const remember = async (
  tx: Transaction,
  { notifications, decided, now }: Undecided & { readonly decided: readonly Outcome[] },
): Promise<Outcome[]> => {
  const candidates = notifications.filter((_, i) => decided[i] === 'accepted');
  if (candidates.length === 0) return [...decided];
  const remembered = new Set(await store.rememberRecent(tx, candidates, { ...latelyAt(now), now }));
  return notifications.map(({ digest }, i) => {
    const outcome = decided[i] as Outcome;
    return outcome === 'accepted' && !remembered.has(digest) ? 'duplicate' : outcome;
  });
};

/**
 * Mails that a domain sends in a transaction of its own: they go when it is committed. What cannot be sent is counted
 * and left out; texts that are too long are cut. The same again within ten minutes has no second effect.
 */
const sendEmails = async (context: Context, tx: Transaction, emails: readonly Email[]): Promise<void> => {
  const mails = emails.map(({ subject, content, template = 'simple', ...rest }) =>
    notificationOfEmail({
      ...rest,
      subject: subject.slice(0, mailLimits.subject),
      content: content.slice(0, mailLimits.content),
      template,
    }),
  );
  const outcomes = await accept(context, tx, mails);
  logSkipped(context, mails, outcomes);
};

const notificationOfEmail = (email: Email): Notification =>
  lifecycle.notificationOf('email', email.address, email);

const logSkipped = (
  { log }: Context,
  notifications: readonly Notification[],
  outcomes: readonly Outcome[],
): void => {
  for (const [i, { type, address }] of notifications.entries()) {
    if (outcomes[i] !== 'accepted')
      log.info({ type, address, outcome: outcomes[i] }, 'a notification is not sent');
  }
};

/** The notifications of a message about a task, before the task's own texts are known. */
interface Wanted {
  readonly route: lifecycle.NotifyRoute;
  readonly status: lifecycle.StatusInMessage;
}

const wantedBy = ({ routes, body }: Message): Wanted[] => {
  const { status } = (typeof body === 'string' ? JSON.parse(body) : body) as Pick<Wanted, 'status'>;
  return lifecycle.firedRoutes(routes, status).map((route) => ({ route, status }));
};

/** Accepts the notifications that the routes of tasks ask for, in the transaction that also moves the place of the subscription. */
export const notifyOfTasks = async (
  context: Context,
  tx: Transaction,
  messages: readonly Message[],
): Promise<void> => {
  const wanted = messages.flatMap(wantedBy);
  if (wanted.length === 0) return;
  const taskIds = [...new Set(wanted.map(({ status }) => status.taskId))];
  const definitions = await context.readDefinitions(tx, taskIds);
  const tasks = new Map(taskIds.map((taskId, i) => [taskId, definitions[i]]));
  const rootUrl = context.rootUrl();
  const render = context.renderer();
  const notifications: Notification[] = [];
  for (const { route, status } of wanted) {
    const text = tasks.get(status.taskId);
    // A task that has expired meanwhile has no definition to make a message from.
    if (typeof text !== 'string') continue;
    const task = JSON.parse(text) as TaskInMessage;
    const composed = await composeRendered(render, { route, status, task, rootUrl });
    if (!('mistake' in composed) && isPublishable(composed)) {
      notifications.push(composed);
      continue;
    }
    const mistake = 'mistake' in composed ? composed.mistake : 'the routing key is too long';
    context.log.info({ taskId: status.taskId, ...route, mistake }, 'a notification cannot be made');
    tx.afterCommit(() => context.tally.count(route.type, 'malformed'));
  }
  logSkipped(context, notifications, await accept(context, tx, notifications));
};

const composeRendered = async (render: Render, occasion: Omit<Occasion, 'rendered'>) => {
  const rendered: Record<string, Rendered> = {};
  for (const [name, template] of Object.entries(templatesOf(occasion))) {
    rendered[name] = await render(template, contextOf(occasion));
  }
  return compose({ ...occasion, rendered });
};

const acceptNotifications: Verb<Notification, Outcome, Context> = async (tx, notifications, { context }) => {
  const outcomes = await accept(context, tx, notifications);
  return notifications.map((notification, i): Answer<Outcome> => {
    const outcome = outcomes[i] as Outcome;
    return refusalOf(notification, outcome) ?? outcome;
  });
};

const denyAddresses: Verb<NotificationAddress, object, Context> = async (tx, addresses) => {
  await store.denyAddresses(tx, addresses.map(addressOf));
  return addresses.map(() => ({}));
};

const allowAddresses: Verb<NotificationAddress, object, Context> = async (tx, addresses) => {
  await store.allowAddresses(tx, addresses.map(addressOf));
  return addresses.map(() => ({}));
};

const addressOf = ({ notificationType, notificationAddress }: NotificationAddress) => ({
  type: notificationType,
  address: notificationAddress,
});

interface PageRequest {
  readonly limit?: number;
  readonly continuationToken?: string;
}

const pages = pagesOf('notify.listDenylist', ['text', 'text']);

const listDenied = async (sql: Sql, { limit, continuationToken }: PageRequest) => {
  const [type, address] = pages.keyIn(continuationToken) ?? ['', ''];
  const after = { type, address };
  const read = await store.deniedAfter(sql, after, pageLimit(limit));
  const { rows: addresses, ...more } = pages.pageOf(read, limit, (row) => [
    row.notificationType,
    row.notificationAddress,
  ]);
  return { addresses, ...more };
};

const verbs = {
  acceptNotifications: inBatches(acceptNotifications),
  denyAddresses: inBatches(denyAddresses),
  allowAddresses: inBatches(allowAddresses),
};

/** The verbs of notify, bound to what it was opened with. */
export const notifyVerbs = (context: Context) => {
  const bound = bindVerbs(context, verbs);
  /** Returns an object when the notification was accepted; nothing when it is a duplicate, or exceeds a limit. */
  const request = async (notification: Notification): Promise<object | undefined> => {
    if (!isPublishable(notification)) {
      throw new RequestError('InputError', `A routing key has at most ${topicBytesMax} bytes here.`);
    }
    return (await bound.acceptNotifications.one(notification)) === 'accepted' ? {} : undefined;
  };
  return {
    ...bindQueries(context, { listDenied }),
    email: (tx: Transaction, emails: readonly Email[]) => sendEmails(context, tx, emails),
    requestEmail: (email: EmailRequest) => request(notificationOfEmail(email)),
    requestPulse: ({ routingKey, message }: PulseRequest) =>
      request(lifecycle.notificationOf('pulse', routingKey, message)),
    requestMatrix: (message: MatrixRequest) =>
      request(lifecycle.notificationOf('matrix-room', message.roomId, message)),
    requestSlack: (message: SlackRequest) =>
      request(lifecycle.notificationOf('slack-channel', message.channelId, message)),
    denyAddress: bound.denyAddresses.one,
    allowAddress: bound.allowAddresses.one,
  };
};

export type NotifyVerbs = ReturnType<typeof notifyVerbs>;
