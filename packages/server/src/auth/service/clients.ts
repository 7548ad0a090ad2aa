import { RequestError, requireDate, type Sql, slugid, type Work } from '../../base/index.ts';
import { type PageQuery, pageLimit, pagesOf } from '../../http/index.ts';
import type { Context } from '../context.ts';
import { clientChanged } from '../events.ts';
import {
  type Client,
  type CreateClientRequest,
  type CreatedClient,
  type ListClientsResponse,
  staticPrefix,
} from '../schema/index.ts';
import * as store from '../store.ts';
import type { Recorded } from './changes.ts';

// Views of clients, and what all changes of clients share.

const pages = pagesOf('auth.listClients', ['text']);

/** A page of clients in order of their id. */
export const listClients = async (
  sql: Sql,
  { prefix = '', ...page }: PageQuery & { readonly prefix?: string },
  { context }: Work<Context>,
): Promise<ListClientsResponse> => {
  await context.directory.prepare();
  const [after] = pages.keyIn(page.continuationToken) ?? [];
  const limit = pageLimit(page.limit);
  const found = await store.listClients(sql, { prefix, after, limit });
  const { rows, ...more } = pages.pageOf(found, page.limit, (row) => [row.clientId]);
  return { clients: rows.map((row) => clientOf(context, row)), ...more };
};

/** A client, without its access token. */
export const readClient = async (sql: Sql, clientId: string, { context }: Work<Context>): Promise<Client> => {
  await context.directory.prepare();
  return clientOf(context, (await store.readClient(sql, clientId)) ?? noClient(clientId));
};

/** The published view of a client. */
export const clientOf = ({ directory }: Context, row: store.ClientRow): Client => ({
  clientId: row.clientId,
  expires: row.expires.toJSON(),
  deleteOnExpiration: row.deleteOnExpiration,
  description: row.description,
  scopes: [...row.scopes],
  expandedScopes: [...directory.expand(row.scopes).scopes],
  disabled: row.disabled,
  created: row.created.toJSON(),
  lastModified: row.lastModified.toJSON(),
  lastDateUsed: row.lastDateUsed.toJSON(),
  lastRotated: row.lastRotated.toJSON(),
});

/** A client with its access token, for the caller who has just created or reset it. */
export const clientWithToken = (context: Context, row: store.ClientRow): CreatedClient => ({
  ...clientOf(context, row),
  accessToken: context.encryption.decrypt(row.accessToken),
});

/** The definition of a client in a request, without its scopes. */
export const definitionOf = ({ description, expires, deleteOnExpiration = false }: CreateClientRequest) => ({
  description,
  expires: requireDate(expires, 'expires'),
  deleteOnExpiration,
});

/** A new access token, encrypted. */
export const newToken = ({ encryption }: Context): string => encryption.encrypt(slugid() + slugid());

export const noClient = (clientId: string): never => {
  throw new RequestError('ResourceNotFound', `There is no client '${clientId}'.`);
};

/** Refuses changes of clients of the configuration. */
export const requireChangeable = (clientId: string): void => {
  if (clientId.startsWith(staticPrefix)) {
    throw new RequestError(
      'InputError',
      `'${clientId}' is a static client: it is changed in the configuration of the server.`,
    );
  }
};

/** The record and the message of a change of a client. */
export const clientRecorded = (
  clientId: string,
  actionType: string,
  { caller }: { readonly caller: { readonly clientId: string } },
): Recorded => ({
  entry: { entityType: 'client', entityId: clientId, actionType, clientId: caller.clientId },
  message: clientChanged(
    actionType === 'created' || actionType === 'deleted' ? actionType : 'updated',
    clientId,
  ),
});
