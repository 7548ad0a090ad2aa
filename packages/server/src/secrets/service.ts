import { expiration } from '../auth/index.ts';
import {
  type Answer,
  bindQueries,
  bindVerbs,
  inBatches,
  inReads,
  RequestError,
  renewEncryption,
  requireDate,
  type Sql,
  type Transaction,
  transact,
  type Verb,
  type Work,
} from '../base/index.ts';
import { type PageQuery, pageLimit, pagesOf } from '../http/index.ts';
import type { Context } from './context.ts';
import { decideSets, type KeptSecret, type SecretChange, type SecretToSet } from './lifecycle.ts';
import type { Secret, SecretList } from './schema.ts';
import * as store from './store.ts';

const record = async (
  tx: Transaction,
  changes: readonly SecretChange[],
  { now: created, context }: Work<Context>,
): Promise<void> => {
  if (changes.length === 0) return;
  await context.recordAudit(
    tx,
    changes.map(({ name: entityId, change: actionType, clientId }) => ({
      entityType: 'secret',
      entityId,
      actionType,
      clientId,
      created,
    })),
  );
};

/** A row in the clear; undefined when it cannot be read, because its key is gone. */
const decrypted = ({ encryption, log }: Context, row: store.EncryptedRow): string | undefined => {
  try {
    return encryption.decrypt(row.secret);
  } catch (err) {
    log.error({ err, secret: row.name }, 'a secret cannot be decrypted: it has to be set again');
    return undefined;
  }
};

/** Keeps secrets, in the order of their arrival. One that is there with the same content stays as it is. */
const setSecrets: Verb<SecretToSet, object, Context> = async (tx, wanted, work) => {
  const { now, context } = work;
  const rows = await store.lockSecrets(
    tx,
    wanted.map(({ name }) => name),
  );
  const present = rows.flatMap((row): KeptSecret[] => {
    const text = decrypted(context, row);
    return text === undefined ? [] : [{ ...row, text }];
  });
  const { kept, changes } = decideSets(present, wanted, now);
  const { encrypt } = context.encryption;
  const encrypted = kept.map(({ name, text, expires }) => ({ name, secret: encrypt(text), expires }));
  const fresh = encrypted.length > 0 ? await store.upsertSecrets(tx, encrypted) : [];
  // Another process has created it between our look and our write.
  const known = new Set([...rows.map(({ name }) => name), ...fresh]);
  const seen = changes.map((change) =>
    change.change === 'created' && !known.has(change.name)
      ? { ...change, change: 'updated' as const }
      : change,
  );
  await record(tx, seen, work);
  return wanted.map(() => ({}));
};

/** A secret to delete. */
export interface SecretToRemove {
  readonly name: string;
  readonly clientId: string;
}

/** Deletes secrets; one that is not there counts as deleted. */
const removeSecrets: Verb<SecretToRemove, object, Context> = async (tx, unwanted, work) => {
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
  await record(tx, changes, work);
  return unwanted.map(() => ({}));
};

/** Deletes at most this many secrets that have expired; returns how many. */
export const expireSecrets = (context: Context, limit: number): Promise<number> =>
  transact(context, async (tx, now) => {
    const gone = await store.deleteExpired(tx, now, limit);
    const changes = gone.map((name) => ({ name, clientId: expiration, change: 'expired' as const }));
    await record(tx, changes, { now, context });
    return gone.length;
  });

const readSecrets = async (
  sql: Sql,
  names: readonly string[],
  { now }: Work<Context>,
): Promise<Answer<store.SecretRow>[]> => {
  const rows = new Map((await store.readSecrets(sql, names)).map((row) => [row.name, row]));
  return names.map((name) => {
    const row = rows.get(name);
    if (!row) return new RequestError('ResourceNotFound', `There is no secret '${name}'.`);
    if (row.expires <= now) {
      return new RequestError('ResourceExpired', `The secret '${name}' expired at ${row.expires.toJSON()}.`);
    }
    return row;
  });
};

const pages = pagesOf('secrets.list', ['text']);

/** A page of the names of secrets that can be read. */
const listSecrets = async (
  sql: Sql,
  { limit, continuationToken }: PageQuery,
  { now }: Work<Context>,
): Promise<SecretList> => {
  const [afterName] = pages.keyIn(continuationToken) ?? [''];
  const found = await store.listNames(sql, {
    afterName,
    now,
    limit: pageLimit(limit),
  });
  const { rows, ...more } = pages.pageOf(found, limit, ({ name }) => [name]);
  return { secrets: rows.map(({ name }) => name), ...more };
};

/** Encrypts at most this many secrets of old keys with the current one; returns how many. */
export const renewSecrets = (context: Context, limit: number): Promise<number> =>
  renewEncryption(context, limit, {
    of: 'secrets',
    nameOf: ({ name }) => ({ secret: name }),
    lock: store.lockSecretsOfKeys,
    encryptedIn: ({ secret }) => secret,
    put: (tx, fresh) =>
      store.putSecrets(
        tx,
        fresh.map(({ row, encrypted }) => ({ ...row, secret: encrypted })),
      ),
  });

/** A secret as it is in a request. */
export interface GivenSecret extends Secret {
  readonly name: string;
  readonly clientId: string;
}

const verbs = {
  setSecrets: inBatches(setSecrets, { bytesOf: ({ text }) => text.length }),
  removeSecrets: inBatches(removeSecrets),
  // A secret may have 10 MiB.
  readSecrets: inReads(readSecrets, { rowsMax: 20 }),
};
const queries = { list: listSecrets };

/** The verbs of secrets, bound to what they were opened with. */
export const secretVerbs = (context: Context) => {
  const bound = bindVerbs(context, verbs);
  return {
    ...bindQueries(context, queries),
    set: ({ secret, expires, ...whose }: GivenSecret) =>
      bound.setSecrets.one({
        ...whose,
        text: JSON.stringify(secret),
        expires: requireDate(expires, 'expires'),
      }),
    remove: bound.removeSecrets.one,
    get: async (name: string): Promise<Secret> => {
      const { secret, expires } = await bound.readSecrets.one(name);
      return {
        secret: JSON.parse(context.encryption.decrypt(secret)) as Secret['secret'],
        expires: expires.toJSON(),
      };
    },
  };
};

export type SecretVerbs = ReturnType<typeof secretVerbs>;
