import { days, later, transact } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store.ts';

/** Encrypts at most this many access tokens of old keys with the current one, so that an old key can be retired; returns how many. */
export const renewEncryption = async (context: Context, limit: number): Promise<number> => {
  const { log, encryption } = context;
  const { oldKeyIds: keyIds } = encryption;
  if (keyIds.length === 0) return 0;
  return transact(context, async (tx) => {
    const found = await store.lockTokensOfKeys(tx, { keyIds, limit });
    const fresh = found.flatMap((token) => renewed(context, token) ?? []);
    if (fresh.length === 0) return 0;
    await store.putTokens(tx, fresh);
    log.info({ count: fresh.length, keyIds }, 'access tokens were encrypted again, with the current key');
    return fresh.length;
  });
};

/** Deletes at most this many entries of the audit history that are older than they are to be kept; returns how many. */
export const purgeAuditHistory = async (context: Context, limit: number): Promise<number> => {
  const { auditRetentionDays, clock, db } = context;
  if (auditRetentionDays === undefined) return 0;
  return store.deleteAuditEntries(db, { before: later(clock.now(), -days(auditRetentionDays)), limit });
};

type Token = Pick<store.ClientRow, 'clientId' | 'accessToken'>;

/** A token under the current key; undefined when it cannot be read, which must not hold up the others. */
const renewed = ({ encryption, log }: Context, { clientId, accessToken }: Token): Token | undefined => {
  try {
    return { clientId, accessToken: encryption.encrypt(encryption.decrypt(accessToken)) };
  } catch (err) {
    log.error({ err, clientId }, 'an access token cannot be read: its client needs another one');
    return undefined;
  }
};
