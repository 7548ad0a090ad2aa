import type { IncomingHttpHeaders } from 'node:http';
import { RequestError } from '../../base/index.ts';

/** Types that browsers show and that may be looked at in place; all others are saved. */
const isShown = (contentType: string): boolean =>
  /^(text\/|image\/|audio\/|video\/|application\/(json|xhtml\+xml|xml)\b)/i.test(contentType);

// Bytes come from whoever can run a task, and share their origin with the API and the UI. The sandbox gives a
// document an origin of its own; without `allow-scripts` nothing in it runs, and nothing may be loaded
// either, so that a page can be read but can neither act nor tell anyone that it was read.
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

/** Headers of every reply with stored bytes, or about them. */
export const byteHeaders = {
  'content-security-policy': sandbox,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Accept-Ranges, Content-Encoding, Content-Length, Content-Range, ETag',
  'cache-control': 'private, no-cache',
} as const;

/** Answers to a browser that asks whether another origin may upload or read with a signed URL. */
export const preflightHeaders = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, PUT',
  'access-control-allow-headers': 'Content-Type, Content-Encoding, If-None-Match, If-Range, Range',
  'access-control-max-age': '900',
} as const;

const parts = ['script', 'style', 'worker', 'sharedworker', 'serviceworker', 'audioworklet', 'paintworklet'];
const embeds = ['embed', 'object', 'manifest', 'xslt', 'report'];

/**
 * Refuses to be a script, a style sheet or a plugin of a page: the sandbox holds documents only, and the UI's
 * own pages may well load scripts from their origin. Browsers say what they fetch for; other clients do not.
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
  /** Strong: the same only for the same bytes. */
  readonly etag: string;
}

/** What a browser must know to handle the bytes at a key without harm. */
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
