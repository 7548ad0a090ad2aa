import { type Loop, minutes } from '../base/index.ts';
import type { Context } from './context.ts';
import { expireSecrets, renewSecrets } from './service.ts';

/** Background work: deletes expired secrets, and encrypts those of old keys again. */
export const secretLoops = (context: Context): readonly Loop[] => [
  {
    name: 'expire-secrets',
    everyMs: minutes(10),
    limit: 1000,
    step: (limit) => expireSecrets(context, limit),
  },
  {
    name: 'renew-encryption-of-secrets',
    everyMs: minutes(10),
    // Each may have 10 MiB.
    limit: 10,
    step: (limit) => renewSecrets(context, limit),
  },
];
