import { later, minutes, RequestError, requireDate, slugid, type Transaction } from '../../base/index.ts';
import { pageLimit, pagesOf } from '../../http/index.ts';
import { clientChanged } from '../events.ts';
import {
  type Client,
  type CreateClientRequest,
  type CreatedClient,
  type ListClientsResponse,
  staticPrefix,
} from '../schema/index.ts';
import { addedToClient, requireSoundScopes } from '../scopes/index.ts';
import * as store from '../store.ts';
import { type By, change, type PageQuery, type Recorded, type Room, record } from './room.ts';

export type ClientVerbs = ReturnType<typeof clientVerbs>;

type Row = store.ClientRow;

const pages = pagesOf('auth.listClients', ['text']);

/** The verbs of clients. */
export const clientVerbs = (room: Room) => ({
  /** A page of clients in order of their id. */
  listClients: async ({
    prefix = '',
    ...page
  }: PageQuery & { prefix?: string }): Promise<ListClientsResponse> => {
    await room.directory.prepare();
    const [after] = pages.keyIn(page.continuationToken) ?? [];
    const limit = pageLimit(page.limit);
    const found = await store.listClients(room.db, { prefix, after, limit });
    const { rows, ...more } = pages.pageOf(found, page.limit, (row) => [row.clientId]);
    return { clients: rows.map((row) => view(room, row)), ...more };
  },

  client: async (clientId: string): Promise<Client> => {
    await room.directory.prepare();
    return view(room, (await store.readClient(room.db, clientId)) ?? noClient(clientId));
  },

  /** Creates a client. A repeat by its creator, soon and with equal values, answers the client that is there. */
  createClient: async (clientId: string, wanted: CreateClientRequest, by: By): Promise<CreatedClient> => {
    requireChangeable(clientId);
    requireSoundScopes(wanted.scopes ?? []);
    by.authorize({ scopes: wanted.scopes ?? [] });
    const row = await change(room, async (tx, now) => {
      const fresh = newClient(room, { clientId, wanted, now });
      if (!(await store.insertClient(tx, fresh))) return repeated(tx, { fresh, by });
      await record(room, tx, { changes: [recorded(fresh, 'created', by)], now, subject: 'clients' });
      return fresh;
    });
    return withToken(room, row);
  },

  /** Replaces what a client is; without scopes it keeps its own. The caller needs each added scope. */
  updateClient: async (clientId: string, wanted: CreateClientRequest, by: By): Promise<Client> => {
    requireChangeable(clientId);
    requireSoundScopes(wanted.scopes ?? []);
    const row = await alter(room, { clientId, action: 'updated', by }, (current) => {
      const scopes = wanted.scopes ?? current.scopes;
      by.authorize({ scopesAdded: addedToClient(current.scopes, scopes) });
      return { ...current, ...definition(wanted), scopes };
    });
    return view(room, row);
  },

  /** Gives a client a new access token; the old one, and all credentials made with it, end at once. */
  resetAccessToken: async (clientId: string, by: By): Promise<CreatedClient> => {
    requireChangeable(clientId);
    const row = await alter(room, { clientId, action: 'access token reset', by }, (current, now) => ({
      ...current,
      accessToken: newToken(room),
      lastRotated: now,
    }));
    return withToken(room, row);
  },

  enableClient: (clientId: string, by: By): Promise<Client> =>
    setDisabled(room, { clientId, action: 'client enabled', by }, false),

  disableClient: (clientId: string, by: By): Promise<Client> =>
    setDisabled(room, { clientId, action: 'client disabled', by }, true),

  /** Deletes a client; one that is not there counts as deleted. */
  deleteClient: async (clientId: string, by: By): Promise<undefined> => {
    requireChangeable(clientId);
    await change(room, async (tx, now) => {
      const deleted = await store.deleteClients(tx, [clientId]);
      await record(room, tx, {
        changes: deleted.map((row) => recorded(row, 'deleted', by)),
        now,
        subject: 'clients',
      });
    });
  },

  /** Deletes expired clients that asked for it; returns how many. */
  deleteExpired: (limit: number): Promise<number> =>
    change(room, async (tx, now) => {
      const deleted = await store.deleteExpiredClients(tx, { now, limit });
      const changes = deleted.map((row) => recorded(row, 'deleted', expiry));
      await record(room, tx, { changes, now, subject: 'clients' });
      return deleted.length;
    }),
});

/** In the audit history, for what happens without anybody asking. */
const expiry = { caller: { clientId: 'expiration' } };

const definition = ({ description, expires, deleteOnExpiration = false }: CreateClientRequest) => ({
  description,
  expires: requireDate(expires, 'expires'),
  deleteOnExpiration,
});

const newToken = ({ encryption }: Room): string => encryption.encrypt(slugid() + slugid());

const newClient = (
  room: Room,
  { clientId, wanted, now }: { clientId: string; wanted: CreateClientRequest; now: Date },
): Row => ({
  clientId,
  ...definition(wanted),
  scopes: wanted.scopes ?? [],
  accessToken: newToken(room),
  disabled: false,
  created: now,
  lastModified: now,
  lastDateUsed: now,
  lastRotated: now,
});

/** For so long the creator of a client may ask again for its access token: the first reply may have been lost. */
const repeatMs = minutes(15);

/**
 * The client that is there already, for its creator who repeats the call; nobody else is shown its token, and nobody is
 * once the client was reset, changed or disabled. That the token was shown again is recorded.
 */
const repeated = async (tx: Transaction, { fresh, by }: { fresh: Row; by: By }): Promise<Row> => {
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
  const { entry } = recorded(row, 'access token shown again', by);
  await store.addAuditEntries(tx, [{ ...entry, created: now }]);
  return row;
};

const areAlike = (row: Row, other: Row): boolean =>
  row.description === other.description &&
  row.expires.getTime() === other.expires.getTime() &&
  row.deleteOnExpiration === other.deleteOnExpiration &&
  areEqual(row.scopes, other.scopes);

/** Are these the same scopes, in whatever order? */
export const areEqual = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length &&
  new Set([...a, ...b]).size === new Set(a).size &&
  new Set(b).size === new Set(a).size;

const noClient = (clientId: string): never => {
  throw new RequestError('ResourceNotFound', `There is no client '${clientId}'.`);
};

const requireChangeable = (clientId: string): void => {
  if (clientId.startsWith(staticPrefix)) {
    throw new RequestError(
      'InputError',
      `'${clientId}' is a static client: it is changed in the configuration of the server.`,
    );
  }
};

const recorded = (
  { clientId }: { clientId: string },
  actionType: string,
  { caller }: { caller: { clientId: string } },
): Recorded => ({
  entry: { entityType: 'client', entityId: clientId, actionType, clientId: caller.clientId },
  message: clientChanged(
    actionType === 'created' || actionType === 'deleted' ? actionType : 'updated',
    clientId,
  ),
});

interface Alteration {
  readonly clientId: string;
  readonly action: string;
  readonly by: By;
}

/** Changes a client that is there; an alteration that answers the client itself changes nothing. */
const alter = (
  room: Room,
  { clientId, action, by }: Alteration,
  altered: (current: Row, now: Date) => Row,
): Promise<Row> =>
  change(room, async (tx: Transaction, now: Date) => {
    const current = (await store.lockClient(tx, clientId)) ?? noClient(clientId);
    const next = altered(current, now);
    if (next === current) return current;
    const row = { ...next, lastModified: now };
    await store.updateClient(tx, row);
    await record(room, tx, { changes: [recorded(row, action, by)], now, subject: 'clients' });
    return row;
  });

const setDisabled = async (room: Room, alteration: Alteration, disabled: boolean): Promise<Client> => {
  requireChangeable(alteration.clientId);
  const row = await alter(room, alteration, (current) =>
    current.disabled === disabled ? current : { ...current, disabled },
  );
  return view(room, row);
};

const view = ({ directory }: Room, row: Row): Client => ({
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

const withToken = (room: Room, row: Row): CreatedClient => ({
  ...view(room, row),
  accessToken: room.encryption.decrypt(row.accessToken),
});
