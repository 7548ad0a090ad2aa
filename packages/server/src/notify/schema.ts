import { type Static, Type } from 'typebox';
import { anyObject, ContinuationToken, distinct, exactly, oneOf, publish } from '../http/index.ts';

const { Boolean: Truth, Optional, String: Text } = Type;

const anyList = (options: object) => Type.Unsafe<readonly unknown[]>({ type: 'array', ...options });

/** Ways out of the platform, as routes and the denylist name them. */
export const notificationTypes = ['email', 'pulse', 'matrix-room', 'slack-channel'] as const;
export type NotificationType = (typeof notificationTypes)[number];

const Link = exactly(
  {
    text: Text({ minLength: 1, maxLength: 40, description: 'What the button says.' }),
    href: Text({ format: 'uri', minLength: 1, maxLength: 1024, description: 'What it opens.' }),
  },
  { description: 'A button below the content.' },
);

/** The longest texts that a mail takes. */
export const mailLimits = { subject: 255, content: 102_400 } as const;

export const EmailRequest = exactly(
  {
    address: Text({ format: 'email', description: 'Who gets the mail.' }),
    subject: Text({ minLength: 1, maxLength: mailLimits.subject, description: 'Plain text.' }),
    content: Text({
      minLength: 1,
      maxLength: mailLimits.content,
      description: 'Markdown. HTML in it is shown as it is written, and images become links.',
    }),
    link: Optional(Link),
    replyTo: Optional(Text({ format: 'email', description: 'Where replies go.' })),
    template: Optional(
      oneOf(['simple', 'fullscreen'], {
        default: 'simple',
        description: 'How wide the mail is: a column, or all of the window.',
      }),
    ),
  },
  { title: 'Mail to send' },
);
export type EmailRequest = Static<typeof EmailRequest>;
export const emailRequest = publish('notify', 'email-request', EmailRequest);

export const PulseRequest = exactly(
  {
    routingKey: Text({ maxLength: 255, description: 'Follows `primary.` in the routing key.' }),
    message: anyObject({ description: 'Anything.' }),
  },
  { title: 'Message to publish' },
);
export type PulseRequest = Static<typeof PulseRequest>;
export const pulseRequest = publish('notify', 'pulse-request', PulseRequest);

export const MatrixRequest = exactly(
  {
    roomId: Text({ description: 'With its `!` and its server: `!opaque:example.org`.' }),
    body: Text({ description: 'Plain text, for clients that cannot show the formatted body.' }),
    format: Optional(Text({ description: 'Format of `formattedBody`, such as `org.matrix.custom.html`.' })),
    formattedBody: Optional(Text({ description: 'The message in that format.' })),
    msgtype: Optional(
      oneOf(['m.notice', 'm.text', 'm.emote'], {
        default: 'm.notice',
        description: 'Type of the `m.room.message` event.',
      }),
    ),
  },
  { title: 'Message to a Matrix room' },
);
export type MatrixRequest = Static<typeof MatrixRequest>;
export const matrixRequest = publish('notify', 'matrix-request', MatrixRequest);

export const SlackRequest = exactly(
  {
    channelId: Text({ description: 'The id of the channel, not its name: `C0123456789`.' }),
    text: Text({ description: 'The message; with blocks, what notifications of it show.' }),
    blocks: Optional(anyList({ description: 'Blocks of the Block Kit.' })),
    attachments: Optional(anyList({ description: 'Attachments, as Slack defines them.' })),
    unfurlLinks: Optional(Truth({ default: false, description: 'Show previews of links.' })),
    unfurlMedia: Optional(Truth({ default: false, description: 'Show previews of media.' })),
  },
  { title: 'Message to a Slack channel' },
);
export type SlackRequest = Static<typeof SlackRequest>;
export const slackRequest = publish('notify', 'slack-request', SlackRequest);

export const NotificationAddress = exactly(
  { notificationType: oneOf(notificationTypes), notificationAddress: Text() },
  { title: 'Address of notifications' },
);
export type NotificationAddress = Static<typeof NotificationAddress>;
export const notificationAddress = publish('notify', 'notification-address', NotificationAddress);

const AddressList = exactly(
  { addresses: distinct(NotificationAddress), continuationToken: Optional(ContinuationToken) },
  { title: 'Page of denied addresses' },
);
export const notificationAddressList = publish('notify', 'notification-address-list', AddressList);

const NotificationMessage = exactly(
  {
    version: Optional(Type.Unsafe<1>({ type: 'integer', enum: [1] })),
    message: anyObject({ description: 'What the sender gave; for a task its status.' }),
  },
  { title: 'Notification' },
);
export const notificationMessage = publish('notify', 'notification-message', NotificationMessage);
