import { days, later, renewEncryption } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store.ts';

/** Encrypts at most this many access tokens of old keys with the current one; returns how many. */
export const renewTokens = (context: Context, limit: number): Promise<number> =>
  renewEncryption(context, limit, {
    of: 'access tokens',
    nameOf: ({ clientId }) => ({ clientId }),
    lock: store.lockTokensOfKeys,
    encryptedIn: ({ accessToken }) => accessToken,
    put: (tx, fresh) =>
      store.putTokens(
        tx,
        fresh.map(({ row, encrypted }) => ({ ...row, accessToken: encrypted })),
      ),
  });

/** Deletes at most this many entries of the audit history that are older than the retention; returns how many. */
export const purgeAuditHistory = async (context: Context, limit: number): Promise<number> => {
  const { auditRetentionDays, clock, db } = context;
  if (auditRetentionDays === undefined) return 0;
  return store.deleteAuditEntries(db, { before: later(clock.now(), -days(auditRetentionDays)), limit });
};
