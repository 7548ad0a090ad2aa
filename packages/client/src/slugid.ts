import { toBase64Url } from './encoding.ts';

/** A fresh identifier: a random UUID (version 4) in 22 characters that never begins with a dash. */
export const slugid = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const [first = 0, version = 0, variant = 0] = [bytes[0], bytes[6], bytes[8]];
  bytes[0] = first & 0x7f;
  bytes[6] = (version & 0x0f) | 0x40;
  bytes[8] = (variant & 0x3f) | 0x80;
  return toBase64Url(bytes);
};
