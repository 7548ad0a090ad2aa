import { transact } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store.ts';
import { nameOf } from './naming.ts';

/** Encrypts at most this many tokens of old keys with the current one, so that an old key can be retired; returns how many. */
export const renewEncryption = async (context: Context, limit: number): Promise<number> => {
  const { log, encryption } = context;
  const { oldKeyIds: keyIds } = encryption;
  if (keyIds.length === 0) return 0;
  return transact(context, async (tx) => {
    const found = await store.lockTokensOfKeys(tx, { keyIds, limit });
    const fresh = found.flatMap((token) => renewed(context, token) ?? []);
    if (fresh.length === 0) return 0;
    await store.putTokens(tx, fresh);
    log.info({ count: fresh.length, keyIds }, 'tokens of hooks were encrypted again, with the current key');
    return fresh.length;
  });
};

/** A token under the current key; undefined when it cannot be read, which must not hold up the others. */
const renewed = ({ encryption, log }: Context, token: store.TokenRow): store.TokenRow | undefined => {
  try {
    return { ...token, triggerToken: encryption.encrypt(encryption.decrypt(token.triggerToken)) };
  } catch (err) {
    log.error({ err, hook: nameOf(token) }, 'the token of a hook cannot be read: it needs another one');
    return undefined;
  }
};
