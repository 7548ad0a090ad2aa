import { createHash } from 'node:crypto';
import { canonical, later, minutes, seconds } from '../base/index.ts';
import { type NotificationType, notificationTypes } from './schema.ts';

/** A message that is to be sent: its address, and its content in the form of its type. */
export interface Notification {
  readonly type: NotificationType;
  readonly address: string;
  /** JSON. */
  readonly message: object;
  /** The same for messages that say the same to the same address. */
  readonly digest: string;
}

/** A notification, recognisable when it comes again. */
export const notificationOf = (type: NotificationType, address: string, message: object): Notification => ({
  type,
  address,
  message,
  digest: createHash('sha256')
    .update(canonical([type, address, message]))
    .digest('base64url'),
});

/** How long an accepted message is not accepted again, and counts for its address. */
export const recentMs = minutes(10);
/** The most mails within that time to one address. */
export const mailsMax = 50;

/** The decision about a notification. */
export type Outcome = 'accepted' | 'denied' | 'duplicate' | 'limited' | 'unconfigured';

/** The facts about recipients and the last minutes for decisions about notifications. */
export interface Facts {
  isConfigured(type: NotificationType): boolean;
  isDenied(notification: Notification): boolean;
  isRecent(digest: string): boolean;
  /** How many mails an address got lately. */
  mailsTo(address: string): number;
}

/** Decides on notifications in order; those that are accepted count for the ones behind them. */
export const decide = (notifications: readonly Notification[], facts: Facts): Outcome[] => {
  const accepted = new Set<string>();
  const mails = new Map<string, number>();
  return notifications.map((notification) => {
    const { type, address, digest } = notification;
    // First, since it holds whatever is configured.
    if (facts.isDenied(notification)) return 'denied';
    if (!facts.isConfigured(type)) return 'unconfigured';
    if (accepted.has(digest) || facts.isRecent(digest)) return 'duplicate';
    if (type === 'email') {
      const count = mails.get(address) ?? facts.mailsTo(address);
      if (count >= mailsMax) return 'limited';
      mails.set(address, count + 1);
    }
    accepted.add(digest);
    return 'accepted';
  });
};

/** A route of a task that asks for notifications: `notify.<type>.<address>.on-<event>`. */
export interface NotifyRoute {
  readonly type: NotificationType;
  readonly address: string;
  readonly event: string;
}

const routePattern = new RegExp(`^notify\\.(${notificationTypes.join('|')})\\.(.+)\\.on-([a-z]+)$`);

const routeIn = (text: string): NotifyRoute | undefined => {
  const [, type, address, event] = routePattern.exec(text) ?? [];
  return type && address && event ? { type: type as NotificationType, address, event } : undefined;
};

const endings = ['completed', 'failed', 'exception'];

/** Exchanges of the queue by the events that its routes name; `any` is the old name of `resolved`. */
export const exchangesOf: ReadonlyMap<string, readonly string[]> = new Map([
  ['defined', ['defined']],
  ['pending', ['pending']],
  ['running', ['running']],
  ['completed', ['completed']],
  ['failed', ['failed']],
  ['exception', ['exception']],
  ['resolved', endings],
  ['any', endings],
  ['transition', ['defined', 'pending', 'running', ...endings]],
]);

// The client that cancels a task knows it, and a deadline is no news about the task itself.
const silentReasons = ['canceled', 'deadline-exceeded'];

/** A task's status as its messages carry it, as far as notifications look at it. */
export interface StatusInMessage {
  readonly taskId: string;
  readonly state: string;
  readonly runs: readonly { readonly reasonResolved?: string }[];
}

/**
 * The routes that a message about a task fires. When a run ends and another one follows, the task has not ended: its status
 * is `pending` already, and only routes that wait for every transition fire.
 */
export const firedRoutes = (routes: readonly string[], status: StatusInMessage): NotifyRoute[] => {
  const reason = status.runs.at(-1)?.reasonResolved ?? '';
  if (status.state === 'exception' && silentReasons.includes(reason)) return [];
  const state = status.state === 'unscheduled' ? 'defined' : status.state;
  return routes.flatMap((text) => {
    const route = routeIn(text);
    return route && exchangesOf.get(route.event)?.includes(state) ? [route] : [];
  });
};

/** The most attempts to send a message; together they take about a day. */
export const attemptsMax = 50;

/** When to try again after this many failed attempts; undefined to give up. */
export const nextAttempt = (attempts: number, now: Date): Date | undefined =>
  attempts >= attemptsMax
    ? undefined
    : later(now, Math.min(minutes(30), seconds(10) * 2 ** Math.min(attempts - 1, 10)));
