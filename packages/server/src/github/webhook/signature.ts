import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const isEqual = (given: string, expected: string): boolean => {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
};

const isSignedAs = (algorithm: 'sha256' | 'sha1', given: string, { text, secret }: Signed): boolean =>
  isEqual(given, `${algorithm}=${createHmac(algorithm, secret).update(text).digest('hex')}`);

interface Signed {
  readonly text: string;
  readonly secret: string;
}

/** Whether there is a signature at all, good or not. */
export const hasSignature = (headers: IncomingHttpHeaders): boolean =>
  typeof (headers['x-hub-signature-256'] ?? headers['x-hub-signature']) === 'string';

/**
 * Whether a delivery was signed with one of these secrets. What is signed are the bytes as they came; `text` is those
 * bytes, read as UTF-8, and nothing that was parsed and printed again. Of the two signatures that GitHub sends, the
 * better one counts.
 */
export const isSigned = (headers: IncomingHttpHeaders, text: string, secrets: readonly string[]): boolean => {
  const [sha256, sha1] = [headers['x-hub-signature-256'], headers['x-hub-signature']];
  return secrets.some((secret) => {
    if (typeof sha256 === 'string') return isSignedAs('sha256', sha256, { text, secret });
    return typeof sha1 === 'string' && isSignedAs('sha1', sha1, { text, secret });
  });
};
