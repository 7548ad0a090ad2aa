import { createHmac, timingSafeEqual } from 'node:crypto';
import { RequestError } from '../../base/index.ts';

/** The parts of a request that a signature of the disk backend covers. */
export interface SignedTerms {
  readonly method: 'PUT' | 'GET';
  readonly key: string;
  readonly expires: Date;
  /** For an upload: the content type that must be sent. */
  readonly contentType?: string;
  /** For an upload: its length in bytes; any length when absent. */
  readonly contentLength?: number;
}

// Clients and proxies rewrite empty segments and segments of dots, so those are marked, as is the mark itself.
const mark = '~';
const isFragile = (segment: string): boolean => /^(\.*|~.*)$/.test(segment);

/** The key as a URL path that no client or proxy changes. */
export const pathOfKey = (key: string): string =>
  key
    .split('/')
    .map((segment) => encodeURIComponent(isFragile(segment) ? mark + segment : segment))
    .join('/');

/** The key in a decoded path. */
export const keyOfPath = (path: string): string =>
  path
    .split('/')
    .map((segment) => (segment.startsWith(mark) ? segment.slice(1) : segment))
    .join('/');

const secondsOf = (date: Date): number => Math.floor(date.getTime() / 1000);

const signatureOf = (secret: string, { method, key, expires, ...terms }: SignedTerms): string =>
  createHmac('sha256', secret)
    .update(
      JSON.stringify([
        'objects-1',
        method,
        key,
        secondsOf(expires),
        terms.contentType ?? null,
        terms.contentLength ?? null,
      ]),
    )
    .digest('base64url');

/**
 * The path and query of a signed request. Each backend has its own secret, so a signature is invalid with another backend's
 * name.
 */
export const signedPath = (secret: string, terms: SignedTerms, backend?: string): string => {
  const query = new URLSearchParams({
    ...(backend === undefined ? {} : { backend }),
    expires: String(secondsOf(terms.expires)),
    ...(terms.contentLength === undefined ? {} : { length: String(terms.contentLength) }),
    signature: signatureOf(secret, terms),
  });
  return `/objects/${pathOfKey(terms.key)}?${query}`;
};

/** A request for bytes as it arrives. */
export interface ByteRequest {
  readonly method: 'PUT' | 'GET';
  readonly key: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly contentType: string | undefined;
}

const sameText = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** The conditions of a signed request; throws InsufficientScopes when they were not signed, or have expired. */
export const verifiedTerms = (secret: string, request: ByteRequest, now: Date): SignedTerms => {
  const { expires, length, signature } = request.query;
  if (typeof expires !== 'string' || !/^\d{1,12}$/.test(expires) || typeof signature !== 'string') {
    throw new RequestError('InsufficientScopes', 'This URL is not signed.');
  }
  if (length !== undefined && (typeof length !== 'string' || !/^\d{1,15}$/.test(length))) {
    throw new RequestError('InsufficientScopes', 'The length in this URL is not a number.');
  }
  const terms: SignedTerms = {
    method: request.method,
    key: request.key,
    expires: new Date(Number(expires) * 1000),
    ...(request.method === 'PUT' ? { contentType: request.contentType ?? '' } : {}),
    ...(length === undefined ? {} : { contentLength: Number(length) }),
  };
  if (!/^[\x20-\x7e]*$/.test(signature) || !sameText(signature, signatureOf(secret, terms))) {
    throw new RequestError(
      'InsufficientScopes',
      'The signature is not for this request; an upload must be sent with the content type that was signed.',
    );
  }
  if (terms.expires <= now) throw new RequestError('InsufficientScopes', 'This URL has expired.');
  return terms;
};
