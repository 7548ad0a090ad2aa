import { type Static, Type } from 'typebox';
import { ContinuationToken, distinct, exactly, publish } from '../../http/index.ts';
import { AccessToken, ClientId, Description, Scope, Scopes, when } from './words.ts';

const { Boolean: Bool, Optional } = Type;

export const CreateClientRequest = exactly(
  {
    expires: when('The client stops working at this time.'),
    deleteOnExpiration: Optional(
      Bool({ default: false, description: 'Delete the client once it has expired.' }),
    ),
    description: Description,
    scopes: Optional(Scopes),
  },
  { title: 'Client to create or update' },
);
export type CreateClientRequest = Static<typeof CreateClientRequest>;
export const createClientRequest = publish('auth', 'create-client-request', CreateClientRequest);

const clientFields = {
  clientId: ClientId,
  expires: when('The client stops working at this time.'),
  deleteOnExpiration: Bool({ description: 'It is deleted once it has expired.' }),
  description: Description,
  scopes: distinct(Scope, { default: [], description: 'As given, roles unresolved.' }),
  expandedScopes: distinct(Scope, {
    description: 'With the scopes of all roles that the client may assume.',
  }),
  disabled: Bool({ description: 'A disabled client is refused until it is enabled.' }),
  created: when('When it was created.'),
  lastModified: when('When it was last changed.'),
  lastDateUsed: when('When it was last used; up to six hours late.'),
  lastRotated: when('When it got its access token.'),
};

export const Client = exactly(clientFields, { title: 'Client' });
export type Client = Static<typeof Client>;
export const getClientResponse = publish('auth', 'get-client-response', Client);

export const CreatedClient = exactly(
  { ...clientFields, accessToken: AccessToken },
  { title: 'Client with its access token', description: 'The token is shown here and never again.' },
);
export type CreatedClient = Static<typeof CreatedClient>;
export const createClientResponse = publish('auth', 'create-client-response', CreatedClient);

export const ListClientsResponse = exactly(
  { clients: distinct(Client), continuationToken: Optional(ContinuationToken) },
  { title: 'Page of clients' },
);
export type ListClientsResponse = Static<typeof ListClientsResponse>;
export const listClientsResponse = publish('auth', 'list-clients-response', ListClientsResponse);
