import { randomBytes } from 'node:crypto';

/**
 * A fresh v4 UUID as 22 characters of URL-safe base64 ("slugid"). The first bit is cleared ("nice"),
 * so that it never starts with a dash, which command lines would take for an option.
 */
export const slugid = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('base64url');
};
