import { later } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { type StaticClient, staticPrefix } from '../schema/index.ts';
import { requireSoundScopes } from '../scopes/index.ts';
import * as store from '../store.ts';
import { oneByOne } from './changes.ts';

/** Makes the static clients those of the configuration, and no others; returns them with their valid tokens. */
export const ensureStaticClients = oneByOne(
  async (tx, clients: readonly StaticClient[], { now, context }): Promise<StaticClient[]> => {
    // This comes first: processes that start together then do this one after another, and all use the first one's tokens.
    await store.bumpVersion(tx, 'clients');
    const kept: StaticClient[] = [];
    for (const client of clients) {
      const current = await store.lockClient(tx, client.clientId);
      const known = current && tokenIn(context, current);
      const accessToken = (client.keepsToken && known) || client.accessToken;
      const lastRotated = current && accessToken === known ? current.lastRotated : now;
      await store.putClient(tx, rowOf(context, { ...client, accessToken }, { now, lastRotated }));
      kept.push({ ...client, accessToken });
    }
    await store.deleteOtherStaticClients(
      tx,
      kept.map(({ clientId }) => clientId),
    );
    return kept;
  },
);

/** Throws when a client of the configuration is invalid. */
export const requireSoundStaticClient = ({ clientId, accessToken, scopes }: StaticClient): void => {
  if (!clientId.startsWith(staticPrefix))
    throw new Error(`The static client '${clientId}' must begin with ${staticPrefix}`);
  if (!/^[A-Za-z0-9_-]{22,66}$/.test(accessToken)) {
    throw new Error(`The access token of '${clientId}' must be 22 to 66 letters, digits, - and _.`);
  }
  requireSoundScopes(scopes);
};

/** The token of a stored client; undefined when its encryption key is gone: it needs a new token then. */
const tokenIn = (
  { encryption, log }: Context,
  { clientId, accessToken }: store.ClientRow,
): string | undefined => {
  try {
    return encryption.decrypt(accessToken);
  } catch (err) {
    log.warn({ err, clientId }, 'the access token of a static client cannot be read, and is replaced');
    return undefined;
  }
};

const yearMs = 365.25 * 24 * 3600 * 1000;

const rowOf = (
  { encryption }: Context,
  { clientId, description, scopes, accessToken }: StaticClient,
  { now, lastRotated }: { now: Date; lastRotated: Date },
): store.ClientRow => ({
  clientId,
  description,
  scopes,
  accessToken: encryption.encrypt(accessToken),
  expires: later(now, 1000 * yearMs),
  deleteOnExpiration: false,
  disabled: false,
  created: now,
  lastModified: now,
  lastDateUsed: now,
  lastRotated,
});
