import { later, minutes, RequestError, type Transaction } from '../../base/index.ts';
import type { Context } from '../context.ts';
import type { CreateClientRequest } from '../schema/index.ts';
import { areEqual, requireSoundScopes } from '../scopes/index.ts';
import * as store from '../store.ts';
import { type By, oneByOne, record } from './changes.ts';
import { clientRecorded, definitionOf, newToken, requireChangeable } from './clients.ts';

/** A client that is to be created. */
export interface ClientToCreate {
  readonly clientId: string;
  readonly wanted: CreateClientRequest;
  readonly by: By;
}

/** Refuses an invalid client, and a caller who lacks a scope of the client. */
export const requireCreatableClient = ({ clientId, wanted: { scopes = [] }, by }: ClientToCreate): void => {
  requireChangeable(clientId);
  requireSoundScopes(scopes);
  by.authorize({ scopes });
};

/** Creates clients. A repeat by the creator, soon and with equal values, returns the existing client. */
export const createClients = oneByOne(async (tx, client: ClientToCreate, work): Promise<store.ClientRow> => {
  const { now, context } = work;
  const { clientId, by } = client;
  const fresh = newClient(context, client, now);
  if (!(await store.insertClient(tx, fresh))) return repeated(tx, fresh, by);
  await record(tx, [clientRecorded(clientId, 'created', by)], { ...work, subject: 'clients' });
  return fresh;
});

const newClient = (context: Context, { clientId, wanted }: ClientToCreate, now: Date): store.ClientRow => ({
  clientId,
  ...definitionOf(wanted),
  scopes: wanted.scopes ?? [],
  accessToken: newToken(context),
  disabled: false,
  created: now,
  lastModified: now,
  lastDateUsed: now,
  lastRotated: now,
});

/** How long the creator may repeat the call to get the access token, since the first reply may have been lost. */
const repeatMs = minutes(15);

/**
 * The existing client, for its creator who repeats the call. No other caller gets the token, and no caller does once the
 * client was reset, changed or disabled. It is recorded that the token was shown again.
 */
const repeated = async (tx: Transaction, fresh: store.ClientRow, by: By): Promise<store.ClientRow> => {
  const { clientId, created: now } = fresh;
  const row = await store.lockClient(tx, clientId);
  const isRepeat =
    row &&
    !row.disabled &&
    areAlike(row, fresh) &&
    row.lastRotated.getTime() === row.created.getTime() &&
    later(row.created, repeatMs) > now &&
    (await store.creatorOf(tx, { entityType: 'client', entityId: clientId })) === by.caller.clientId;
  if (!isRepeat) throw new RequestError('RequestConflict', `There is a client '${clientId}' already.`);
  const { entry } = clientRecorded(clientId, 'access token shown again', by);
  await store.addAuditEntries(tx, [{ ...entry, created: now }]);
  return row;
};

const areAlike = (row: store.ClientRow, other: store.ClientRow): boolean =>
  row.description === other.description &&
  row.expires.getTime() === other.expires.getTime() &&
  row.deleteOnExpiration === other.deleteOnExpiration &&
  areEqual(row.scopes, other.scopes);
