import * as store from '../store.ts';
import { nameOf, type Room } from './room.ts';

/** Encrypts at most so many tokens of old keys with the current one, so that an old key can be retired; answers how many. */
export const renewEncryption = async (room: Room, limit: number): Promise<number> => {
  const { db, log, encryption } = room;
  const { oldKeyIds: keyIds } = encryption;
  if (keyIds.length === 0) return 0;
  return db.transaction(async (tx) => {
    const found = await store.lockTokensOfKeys(tx, { keyIds, limit });
    const fresh = found.flatMap((token) => renewed(room, token) ?? []);
    if (fresh.length === 0) return 0;
    await store.putTokens(tx, fresh);
    log.info({ count: fresh.length, keyIds }, 'tokens of hooks were encrypted anew');
    return fresh.length;
  });
};

/** A token under the current key; undefined when it cannot be read, which must not hold up the others. */
const renewed = ({ encryption, log }: Room, token: store.TokenRow): store.TokenRow | undefined => {
  try {
    return { ...token, triggerToken: encryption.encrypt(encryption.decrypt(token.triggerToken)) };
  } catch (err) {
    log.error({ err, hook: nameOf(token) }, 'the token of a hook cannot be read: it needs another one');
    return undefined;
  }
};
