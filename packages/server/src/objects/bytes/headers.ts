import type { IncomingHttpHeaders } from 'node:http';
import { RequestError } from '../../base/index.ts';

/** Types that browsers may display; all others are saved. */
const isShown = (contentType: string): boolean =>
  /^(text\/|image\/|audio\/|video\/|application\/(json|xhtml\+xml|xml)\b)/i.test(contentType);

// Anyone who can run a task can create bytes, which share their origin with the API and the UI. The sandbox gives a
// document its own origin; without `allow-scripts` nothing in it runs, and nothing may be loaded, so that a page can be
// read but can neither act nor report that it was read.
const sandbox = [
  'sandbox',
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  'font-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

/** The headers of every reply with or about stored bytes. */
export const byteHeaders = {
  'content-security-policy': sandbox,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Accept-Ranges, Content-Encoding, Content-Length, Content-Range, ETag',
  'cache-control': 'private, no-cache',
} as const;

/** The CORS preflight reply for uploads and downloads by signed URLs. */
export const preflightHeaders = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, PUT',
  'access-control-allow-headers': 'Content-Type, Content-Encoding, If-None-Match, If-Range, Range',
  'access-control-max-age': '900',
} as const;

const parts = ['script', 'style', 'worker', 'sharedworker', 'serviceworker', 'audioworklet', 'paintworklet'];
const embeds = ['embed', 'object', 'manifest', 'xslt', 'report'];

/**
 * Refuses to serve bytes as a script, style sheet or plugin of a page: the sandbox restricts documents only, and the UI's own
 * pages may load scripts from their origin. Browsers send what they fetch for; other clients do not.
 */
export const refuseAsPartOfPage = (headers: IncomingHttpHeaders): void => {
  const purpose = String(headers['sec-fetch-dest'] ?? '');
  if ([...parts, ...embeds].includes(purpose)) {
    throw new RequestError('InsufficientScopes', `Stored bytes are not served as a ${purpose}.`);
  }
};

const printable = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

const fileName = (key: string): string => encodeURIComponent(key.split('/').at(-1) || 'file');

export interface DescribedBytes {
  readonly contentType: string;
  readonly contentEncoding?: string;
  /** A strong ETag: equal only for equal bytes. */
  readonly etag: string;
}

/** The headers by which a browser handles the bytes at a key safely. */
export const contentHeaders = (
  key: string,
  { contentType, contentEncoding, etag }: DescribedBytes,
): Record<string, string> => {
  const type = printable(contentType) && contentType !== '' ? contentType : 'application/octet-stream';
  const disposition = isShown(type) ? 'inline' : 'attachment';
  return {
    ...byteHeaders,
    'content-type': type,
    ...(contentEncoding ? { 'content-encoding': contentEncoding } : {}),
    'content-disposition': `${disposition}; filename*=UTF-8''${fileName(key).replaceAll("'", '%27')}`,
    'accept-ranges': 'bytes',
    etag,
  };
};
