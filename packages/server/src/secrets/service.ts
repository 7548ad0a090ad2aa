import type { AuditEntry } from '../auth/index.ts';
import {
  type Answer,
  type BatchDeps,
  batched,
  batchedRead,
  type Encryption,
  RequestError,
  requireDate,
  type Sql,
  type Transaction,
} from '../base/index.ts';
import { pageLimit, pagesOf } from '../http/index.ts';
import { decideSets, type KeptSecret, type SecretChange, type SecretToSet } from './lifecycle.ts';
import type { Secret, SecretList } from './schema.ts';
import * as store from './store.ts';

/** What secrets need from the floors below and from `app.ts`. */
export interface Room extends BatchDeps {
  readonly encryption: Encryption;
  recordAudit(tx: Transaction, entries: readonly AuditEntry[]): Promise<void>;
}

const record = ({ recordAudit }: Room, tx: Transaction, changes: readonly SecretChange[], created: Date) =>
  recordAudit(
    tx,
    changes.map(({ name: entityId, change: actionType, clientId }) => ({
      entityType: 'secret',
      entityId,
      actionType,
      clientId,
      created,
    })),
  );

/** A row in the clear; undefined when it cannot be read, because its key is gone. */
const decrypted = ({ encryption, log }: Room, row: store.EncryptedRow): string | undefined => {
  try {
    return encryption.decrypt(row.secret);
  } catch (err) {
    log.error({ err, secret: row.name }, 'a secret cannot be decrypted: it has to be set again');
    return undefined;
  }
};

/** Keeps secrets, in the order of their arrival. One that stands there with the same content stays as it is. */
const setSecrets =
  (room: Room) =>
  async (tx: Transaction, wanted: SecretToSet[], now: Date): Promise<object[]> => {
    const rows = await store.lockSecrets(
      tx,
      wanted.map(({ name }) => name),
    );
    const standing = rows.flatMap((row): KeptSecret[] => {
      const text = decrypted(room, row);
      return text === undefined ? [] : [{ ...row, text }];
    });
    const { kept, changes } = decideSets(standing, wanted, now);
    if (kept.length > 0) {
      await store.upsertSecrets(
        tx,
        kept.map(({ name, text, expires }) => ({ name, secret: room.encryption.encrypt(text), expires })),
      );
      await record(room, tx, changes, now);
    }
    return wanted.map(() => ({}));
  };

/** A secret that somebody wants gone. */
export interface SecretToRemove {
  readonly name: string;
  readonly clientId: string;
}

/** Deletes secrets; one that is not there counts as deleted. */
const removeSecrets =
  (room: Room) =>
  async (tx: Transaction, unwanted: SecretToRemove[], now: Date): Promise<object[]> => {
    const gone = await store.deleteSecrets(
      tx,
      unwanted.map(({ name }) => name),
    );
    const byWhom = new Map(unwanted.map(({ name, clientId }) => [name, clientId]));
    const changes = gone.map((name) => ({
      name,
      clientId: byWhom.get(name) ?? '',
      change: 'deleted' as const,
    }));
    if (changes.length > 0) await record(room, tx, changes, now);
    return unwanted.map(() => ({}));
  };

const readSecrets = async (
  db: Sql,
  names: readonly string[],
  now: Date,
): Promise<Answer<store.SecretRow>[]> => {
  const rows = new Map((await store.readSecrets(db, names)).map((row) => [row.name, row]));
  return names.map((name) => {
    const row = rows.get(name);
    if (!row) return new RequestError('ResourceNotFound', `There is no secret '${name}'.`);
    if (row.expires <= now) {
      return new RequestError('ResourceExpired', `The secret '${name}' expired at ${row.expires.toJSON()}.`);
    }
    return row;
  });
};

/** What a page of the listing is asked with. */
export interface Listing {
  readonly limit?: number | undefined;
  readonly continuationToken?: string | undefined;
}

const pages = pagesOf('secrets.list', ['text']);

/** A page of the names of what can be read. */
const listSecrets = async (
  { db, clock }: Room,
  { limit, continuationToken }: Listing,
): Promise<SecretList> => {
  const [afterName] = pages.keyIn(continuationToken) ?? [''];
  const found = await store.listNames(db, {
    afterName,
    now: clock.now(),
    limit: pageLimit(limit),
  });
  const { rows, ...more } = pages.pageOf(found, limit, ({ name }) => [name]);
  return { secrets: rows.map(({ name }) => name), ...more };
};

/** Encrypts at most so many secrets of old keys with the current one, so that an old key can be retired; answers how many. */
export const renewEncryption = async (room: Room, limit: number): Promise<number> => {
  const { db, log, encryption } = room;
  const { oldKeyIds: keyIds } = encryption;
  if (keyIds.length === 0) return 0;
  return db.transaction(async (tx) => {
    const found = await store.lockSecretsOfKeys(tx, { keyIds, limit });
    const fresh = found.flatMap((row) => {
      // One that cannot be read must not hold up the others.
      const text = decrypted(room, row);
      return text === undefined ? [] : [{ name: row.name, secret: encryption.encrypt(text) }];
    });
    if (fresh.length === 0) return 0;
    await store.putSecrets(tx, fresh);
    log.info({ count: fresh.length, keyIds }, 'secrets were encrypted anew');
    return fresh.length;
  });
};

/** A secret as a caller brings it. */
export interface SecretGiven extends Secret {
  readonly name: string;
  readonly clientId: string;
}

/** The verbs of secrets, bound to where they work. */
export const bindVerbs = (room: Room) => {
  const sets = batched(room, 'set-secrets', setSecrets(room), { bytesOf: ({ text }) => text.length });
  const removals = batched(room, 'remove-secrets', removeSecrets(room));
  // A secret may have 10 MiB.
  const reads = batchedRead(
    room,
    'read-secrets',
    (db, names: string[]) => readSecrets(db, names, room.clock.now()),
    { rowsMax: 20 },
  );
  return {
    set: ({ secret, expires, ...whose }: SecretGiven) =>
      sets.one({ ...whose, text: JSON.stringify(secret), expires: requireDate(expires, 'expires') }),
    remove: removals.one,
    get: async (name: string): Promise<Secret> => {
      const { secret, expires } = await reads.one(name);
      return {
        secret: JSON.parse(room.encryption.decrypt(secret)) as Secret['secret'],
        expires: expires.toJSON(),
      };
    },
    list: (listing: Listing) => listSecrets(room, listing),
  };
};

export type SecretVerbs = ReturnType<typeof bindVerbs>;
