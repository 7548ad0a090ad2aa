import type { ExchangeDeclaration, PublishedSchema } from '../http/index.ts';
import {
  type ClientMessage,
  clientMessage,
  type Message,
  type RoleMessage,
  roleMessage,
} from './schema/index.ts';

const changes = ['created', 'updated', 'deleted'] as const;
export type Change = (typeof changes)[number];

const message = (name: string, body: ClientMessage | RoleMessage): Message => ({
  exchange: `exchange/taskcluster-auth/v1/${name}`,
  routingKey: '_',
  routes: [],
  body,
});

export const clientChanged = (change: Change, clientId: string): Message =>
  message(`client-${change}`, { version: 1, clientId });

export const roleChanged = (change: Change, roleId: string): Message =>
  message(`role-${change}`, { version: 1, roleId });

const declare = (kind: 'client' | 'role', change: Change, schema: PublishedSchema): ExchangeDeclaration => ({
  exchange: `${kind}-${change}`,
  name: `${kind}${change.charAt(0).toUpperCase()}${change.slice(1)}`,
  title: `A ${kind} was ${change}`,
  description: `Sent when a ${kind} was ${change}; it names the ${kind}.`,
  routingKey: [
    {
      name: 'reserved',
      summary: 'Kept for later use: bind with `#`.',
      required: false,
      multipleWords: true,
    },
  ],
  schema,
});

/** Every exchange of this service. */
export const exchanges: readonly ExchangeDeclaration[] = [
  ...changes.map((change) => declare('client', change, clientMessage)),
  ...changes.map((change) => declare('role', change, roleMessage)),
];
