import { renewEncryption } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store.ts';
import { nameOf } from './naming.ts';

/** Encrypts at most this many tokens of old keys with the current one; returns how many. */
export const renewTokens = (context: Context, limit: number): Promise<number> =>
  renewEncryption(context, limit, {
    of: 'tokens of hooks',
    nameOf: (token) => ({ hook: nameOf(token) }),
    lock: store.lockTokensOfKeys,
    encryptedIn: ({ triggerToken }) => triggerToken,
    put: (tx, fresh) =>
      store.putTokens(
        tx,
        fresh.map(({ row, encrypted }) => ({ ...row, triggerToken: encrypted })),
      ),
  });
