import { days, later } from '../../base/index.ts';
import * as store from '../store.ts';
import type { Room } from './room.ts';

export interface UpkeepOptions {
  /** Entries of the audit history are deleted after so many days; never when absent. */
  readonly auditRetentionDays?: number | undefined;
}

/** The verbs of what happens without anybody asking; each answers how many things it did. */
export const upkeepVerbs = (room: Room, { auditRetentionDays }: UpkeepOptions) => ({
  /** Encrypts access tokens of old keys with the current one, so that an old key can be retired. */
  renewEncryption: (limit: number): Promise<number> => {
    const { db, log, encryption } = room;
    const { oldKeyIds: keyIds } = encryption;
    if (keyIds.length === 0) return Promise.resolve(0);
    return db.transaction(async (tx) => {
      const found = await store.lockTokensOfKeys(tx, { keyIds, limit });
      const fresh = found.flatMap((token) => renewed(room, token) ?? []);
      if (fresh.length === 0) return 0;
      await store.putTokens(tx, fresh);
      log.info({ count: fresh.length, keyIds }, 'access tokens of old keys were encrypted anew');
      return fresh.length;
    });
  },

  /** Deletes entries of the audit history that are older than they are to be kept. */
  purgeAuditHistory: async (limit: number): Promise<number> => {
    if (auditRetentionDays === undefined) return 0;
    const before = later(room.clock.now(), -days(auditRetentionDays));
    return room.db.transaction((tx) => store.deleteAuditEntries(tx, { before, limit }));
  },
});

type Token = Pick<store.ClientRow, 'clientId' | 'accessToken'>;

/** A token under the current key; undefined when it cannot be read, which must not hold up the others. */
const renewed = ({ encryption, log }: Room, { clientId, accessToken }: Token): Token | undefined => {
  try {
    return { clientId, accessToken: encryption.encrypt(encryption.decrypt(accessToken)) };
  } catch (err) {
    log.error({ err, clientId }, 'an access token cannot be read: its client needs another one');
    return undefined;
  }
};
