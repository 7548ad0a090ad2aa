import type { Transaction, Work } from '../../base/index.ts';
import type { Context } from '../context.ts';
import type { CreateClientRequest } from '../schema/index.ts';
import { addedToClient } from '../scopes/index.ts';
import * as store from '../store.ts';
import { type By, oneByOne, record } from './changes.ts';
import { clientRecorded, definitionOf, newToken, noClient } from './clients.ts';

/** A client, and who wants to change it. */
export interface ClientChange {
  readonly clientId: string;
  readonly by: By;
}

export interface ClientUpdate extends ClientChange {
  readonly wanted: CreateClientRequest;
}

export interface ClientSwitch extends ClientChange {
  readonly disabled: boolean;
}

type Altered = (current: store.ClientRow) => store.ClientRow;

/** Changes an existing client. An alteration that returns the same object changes nothing. */
const alter = async (
  tx: Transaction,
  { clientId, by, action, altered }: ClientChange & { readonly action: string; readonly altered: Altered },
  work: Work<Context>,
): Promise<store.ClientRow> => {
  const current = (await store.lockClient(tx, clientId)) ?? noClient(clientId);
  const next = altered(current);
  if (next === current) return current;
  const row = { ...next, lastModified: work.now };
  await store.updateClient(tx, row);
  await record(tx, [clientRecorded(clientId, action, by)], { ...work, subject: 'clients' });
  return row;
};

/** Replaces the definitions of clients. Without `scopes` a client keeps its own. The caller needs each added scope. */
export const updateClients = oneByOne((tx, { wanted, ...change }: ClientUpdate, work) => {
  const altered: Altered = (current) => {
    const scopes = wanted.scopes ?? current.scopes;
    change.by.authorize({ scopesAdded: addedToClient(current.scopes, scopes) });
    return { ...current, ...definitionOf(wanted), scopes };
  };
  return alter(tx, { ...change, action: 'updated', altered }, work);
});

/** Gives clients new access tokens; the old ones, and all credentials made with them, end at once. */
export const resetAccessTokens = oneByOne((tx, change: ClientChange, work) => {
  const altered: Altered = (current) => ({
    ...current,
    accessToken: newToken(work.context),
    lastRotated: work.now,
  });
  return alter(tx, { ...change, action: 'access token reset', altered }, work);
});

/** Enables or disables clients. */
export const switchClients = oneByOne((tx, { disabled, ...change }: ClientSwitch, work) => {
  const action = disabled ? 'client disabled' : 'client enabled';
  const altered: Altered = (current) => (current.disabled === disabled ? current : { ...current, disabled });
  return alter(tx, { ...change, action, altered }, work);
});
