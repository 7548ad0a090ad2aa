import { type BaseContext, transact } from './batch.ts';
import type { Transaction } from './database.ts';
import type { Encryption } from './encryption.ts';

/** How the encrypted rows of one sort are found, read and put back. */
export interface Renewal<Row> {
  /** What they are, for the log: "tokens of hooks". */
  readonly of: string;
  /** Which of them a row is, for the log. */
  nameOf(row: Row): object;
  /** At most `limit` rows that one of these keys has encrypted, locked. */
  lock(
    tx: Transaction,
    found: { readonly keyIds: readonly string[]; readonly limit: number },
  ): Promise<Row[]>;
  encryptedIn(row: Row): string;
  put(tx: Transaction, rows: readonly { readonly row: Row; readonly encrypted: string }[]): Promise<unknown>;
}

/**
 * Encrypts at most this many rows of old keys with the current key, so that old keys can be retired; returns how many. A
 * row that cannot be decrypted is logged, and does not block the others.
 */
export const renewEncryption = async <Row>(
  context: BaseContext & { readonly encryption: Encryption },
  limit: number,
  { of, nameOf, lock, encryptedIn, put }: Renewal<Row>,
): Promise<number> => {
  const { log, encryption } = context;
  const { oldKeyIds: keyIds } = encryption;
  if (keyIds.length === 0) return 0;
  const renewed = (row: Row) => {
    try {
      return [{ row, encrypted: encryption.encrypt(encryption.decrypt(encryptedIn(row))) }];
    } catch (err) {
      log.error({ err, ...nameOf(row) }, `one of the ${of} cannot be read: it has to be set again`);
      return [];
    }
  };
  return transact(context, async (tx) => {
    const fresh = (await lock(tx, { keyIds, limit })).flatMap(renewed);
    if (fresh.length === 0) return 0;
    await put(tx, fresh);
    log.info({ count: fresh.length, keyIds }, `${of} were encrypted again, with the current key`);
    return fresh.length;
  });
};
