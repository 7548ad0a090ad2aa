import type { Message } from '../events/index.ts';
import type { ExchangeDeclaration } from '../http/index.ts';
import { notificationMessage } from './schema.ts';

export const exchanges: readonly ExchangeDeclaration[] = [
  {
    exchange: 'notification',
    name: 'notify',
    title: 'A notification',
    description:
      'Sent at each call of `pulse`, and for tasks with a route `notify.pulse.<topic>.on-<event>`.',
    routingKey: [
      {
        name: 'routingKeyKind',
        summary: 'Always `primary`.',
        constant: 'primary',
        required: true,
        multipleWords: false,
      },
      {
        name: 'topic',
        summary: 'The routing key that the sender gave.',
        required: true,
        multipleWords: true,
      },
    ],
    schema: notificationMessage,
  },
];

/** A message that a caller publishes under a routing key of its own. */
export const notification = (topic: string, message: unknown): Message => ({
  exchange: 'exchange/taskcluster-notify/v1/notification',
  routingKey: `primary.${topic}`,
  routes: [topic],
  body: { version: 1, message },
});
