import { createHash, timingSafeEqual } from 'node:crypto';

/** A secret as it is stored. Our secrets are random and long, so that a plain hash hides them. */
export const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Whether a digest is that of a secret; not so where either is missing. */
export const isSecretOf = (digest: string | null, secret: string | undefined): boolean =>
  digest !== null &&
  secret !== undefined &&
  timingSafeEqual(Buffer.from(digestOf(secret)), Buffer.from(digest));
