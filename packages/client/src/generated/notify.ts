// Generated from the server's contracts by `npm run generate`. Do not edit.
import { exchange } from '../exchange.ts';
import { type CallOptions, type QueryOptions, type ServiceClient, serviceClass } from '../service.ts';

export type EmailRequest = {
  address: string;
  subject: string;
  content: string;
  link?: {
    text: string;
    href: string;
  };
  replyTo?: string;
  template?: 'simple' | 'fullscreen';
};
export type MatrixRequest = {
  roomId: string;
  body: string;
  format?: string;
  formattedBody?: string;
  msgtype?: 'm.notice' | 'm.text' | 'm.emote';
};
export type NotificationAddress = {
  notificationType: 'email' | 'pulse' | 'matrix-room' | 'slack-channel';
  notificationAddress: string;
};
export type NotificationAddressList = {
  addresses: NotificationAddress[];
  continuationToken?: string;
};
export type NotificationMessage = {
  version?: 1;
  message: Record<string, unknown>;
};
export type PulseRequest = {
  routingKey: string;
  message: Record<string, unknown>;
};
export type SlackRequest = {
  channelId: string;
  text: string;
  blocks?: unknown[];
  attachments?: unknown[];
  unfurlLinks?: boolean;
  unfurlMedia?: boolean;
};

export interface NotifyApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** Send a mail. */
  email(body: EmailRequest, options?: CallOptions): Promise<void>;
  /** Publish a message. */
  pulse(body: PulseRequest, options?: CallOptions): Promise<void>;
  /** Write to a Matrix room. */
  matrix(body: MatrixRequest, options?: CallOptions): Promise<void>;
  /** Write to a Slack channel. */
  slack(body: SlackRequest, options?: CallOptions): Promise<void>;
  /** Deny an address. */
  addDenylistAddress(body: NotificationAddress, options?: CallOptions): Promise<void>;
  /** Allow an address again. */
  deleteDenylistAddress(body: NotificationAddress, options?: CallOptions): Promise<void>;
  /** List denied addresses. */
  listDenylist(options?: QueryOptions<'continuationToken' | 'limit'>): Promise<NotificationAddressList>;
}

export type Notify = NotifyApi & ServiceClient;
export const Notify = serviceClass<NotifyApi>('notify', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  email: { method: 'POST', route: '/email', title: 'Send a mail', input: true },
  pulse: { method: 'POST', route: '/pulse', title: 'Publish a message', input: true },
  matrix: { method: 'POST', route: '/matrix', title: 'Write to a Matrix room', input: true },
  slack: { method: 'POST', route: '/slack', title: 'Write to a Slack channel', input: true },
  addDenylistAddress: { method: 'POST', route: '/denylist/add', title: 'Deny an address', input: true },
  deleteDenylistAddress: { method: 'DELETE', route: '/denylist/delete', title: 'Allow an address again', input: true },
  listDenylist: { method: 'GET', route: '/denylist/list', title: 'List denied addresses', query: ['continuationToken', 'limit'] },
});

/** The exchanges of the notify service. */
export const notifyExchanges = {
  notify: exchange<NotificationMessage>('exchange/taskcluster-notify/v1/notification', ['=primary', '#']),
};
