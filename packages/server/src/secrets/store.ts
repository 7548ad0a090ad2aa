import type { Sql, Transaction } from '../base/index.ts';

/** A secret as it is in the table: encrypted. */
export interface SecretRow {
  readonly name: string;
  readonly secret: string;
  readonly expires: Date;
}

/** The part of a secret that changes with its key. */
export type EncryptedRow = Pick<SecretRow, 'name' | 'secret'>;

const names = (rows: readonly EncryptedRow[]) => rows.map(({ name }) => name);
const texts = (rows: readonly EncryptedRow[]) => rows.map(({ secret }) => secret);

/** Writes secrets, each with another name, over those of the same names; returns the names that are new. */
export const upsertSecrets = async (tx: Transaction, rows: readonly SecretRow[]): Promise<string[]> => {
  const kept = await tx<{ name: string; isNew: boolean }>`
    insert into secrets (name, secret, expires)
    select name, secret, expires
      from unnest(${names(rows)}::text[], ${texts(rows)}::text[],
                  ${rows.map(({ expires }) => expires)}::timestamptz[]) as given(name, secret, expires)
     order by name collate "C"
    on conflict (name) do update set secret = excluded.secret, expires = excluded.expires
    returning name, xmax = 0 as is_new`;
  return kept.filter(({ isNew }) => isNew).map(({ name }) => name);
};

/** The secrets of these names, locked until the transaction ends. */
export const lockSecrets = (tx: Transaction, wanted: readonly string[]): Promise<SecretRow[]> =>
  tx<SecretRow>`
    select name, secret, expires
      from secrets
     where name = any(${[...wanted]}::text[])
     order by name
       for no key update`;

/** The secrets of these names, expired or not. */
export const readSecrets = (db: Sql, wanted: readonly string[]): Promise<SecretRow[]> =>
  db<SecretRow>`
    select name, secret, expires
      from secrets
     where name = any(${[...wanted]}::text[])`;

/** Deletes secrets; returns the names of those that were there. */
export const deleteSecrets = async (tx: Transaction, gone: readonly string[]): Promise<string[]> => {
  const rows = await tx<{ name: string }>`
    delete from secrets where name = any(${[...gone]}::text[]) returning name`;
  return rows.map(({ name }) => name);
};

/** Names of secrets that have not expired, after this one, in order. */
export const listNames = (
  db: Sql,
  { afterName, now, limit }: { afterName: string; now: Date; limit: number },
): Promise<{ name: string }[]> =>
  db<{ name: string }>`
    select name from secrets
     where name > ${afterName} and expires > ${now}
     order by name limit ${limit}`;

/** Secrets that one of these keys encrypted, locked until the transaction ends. */
export const lockSecretsOfKeys = (
  tx: Transaction,
  { keyIds, limit }: { keyIds: readonly string[]; limit: number },
): Promise<EncryptedRow[]> =>
  tx<EncryptedRow>`
    select name, secret
      from secrets
     where split_part(secret, '.', 1) = any(${[...keyIds]}::text[])
     limit ${limit}
       for no key update skip locked`;

/** Writes the same secrets, encrypted with another key. For clients nothing changes. */
export const putSecrets = async (tx: Transaction, rows: readonly EncryptedRow[]): Promise<void> => {
  await tx`
    update secrets s set secret = fresh.secret
      from unnest(${names(rows)}::text[], ${texts(rows)}::text[]) as fresh(name, secret)
     where s.name = any(array[fresh.name])`;
};

/** Deletes secrets that have expired, the oldest first; returns their names. */
export const deleteExpired = async (tx: Transaction, now: Date, limit: number): Promise<string[]> => {
  const rows = await tx<{ name: string }>`
    delete from secrets where ctid = any(array(
      select ctid from secrets where expires <= ${now} order by expires limit ${limit} for update skip locked))
    returning name`;
  return rows.map(({ name }) => name);
};
