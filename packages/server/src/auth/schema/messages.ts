import { type Static, Type } from 'typebox';
import { exactly, publish } from '../../http/index.ts';
import { ClientId, RoleId } from './words.ts';

const messageVersion = Type.Unsafe<1>({ enum: [1], description: 'The version of this kind of message.' });

export const ClientMessage = exactly(
  { version: messageVersion, clientId: ClientId },
  { title: 'A client changed' },
);
export type ClientMessage = Static<typeof ClientMessage>;
export const clientMessage = publish('auth', 'client-message', ClientMessage);

export const RoleMessage = exactly({ version: messageVersion, roleId: RoleId }, { title: 'A role changed' });
export type RoleMessage = Static<typeof RoleMessage>;
export const roleMessage = publish('auth', 'role-message', RoleMessage);

/** A message for the outbox. */
export interface Message {
  readonly exchange: string;
  readonly routingKey: string;
  readonly routes: readonly string[];
  readonly body: object;
}
