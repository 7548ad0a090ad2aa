import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { DownloadError } from '@taskyard/client';
import { privateAddressIn, publicLookup } from '../addresses/index.ts';

/** The addresses that URLs of a task may lead to. */
export interface UrlRules {
  /** Whether it may lead to addresses outside of the public internet. */
  readonly allowsPrivate: boolean;
  /** The server's own URL, which is always allowed. */
  readonly rootUrl: string;
}

/** A URL leads to an address that tasks of this worker may not use. */
export class PrivateAddress extends DownloadError {
  constructor(url: string, address: string) {
    super(url, `${address} is a private address, which mounts of this worker may not reach`, 403);
  }
}

const redirectsMax = 10;

const get = (
  url: URL,
  { isGuarded, signal }: { isGuarded: boolean; signal: AbortSignal },
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const refused = isGuarded ? privateAddressIn(url.hostname) : undefined;
    if (refused !== undefined) {
      reject(new PrivateAddress(url.href, refused));
      return;
    }
    const start = url.protocol === 'https:' ? requestHttps : requestHttp;
    const headers = {
      accept: '*/*',
      'accept-encoding': 'gzip, deflate, br',
      'user-agent': 'taskyard-worker',
    };
    // A kept-alive connection might belong to another name.
    const options = {
      headers,
      signal,
      agent: false as const,
      ...(isGuarded ? { lookup: publicLookup((address) => new PrivateAddress(url.href, address)) } : {}),
    };
    start(url, options, resolve).on('error', reject).end();
  });

const decoders = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** The content as it was before it was encoded for its way. One that ends too early fails. */
const decoded = (response: IncomingMessage): Readable => {
  const encoding = response.headers['content-encoding']?.toLowerCase() as keyof typeof decoders | undefined;
  const decoder = encoding === undefined ? undefined : decoders[encoding]?.();
  if (!decoder) return response;
  response.once('error', (error) => decoder.destroy(error));
  response.once('close', () => {
    if (!response.complete) decoder.destroy(new Error('the connection ended before the content did'));
  });
  return response.pipe(decoder);
};

/** Opens a URL and follows redirects, each of which is checked. Without rules it may lead anywhere. */
export const openUrl = async (
  source: string,
  { rules, signal }: { rules: UrlRules | undefined; signal: AbortSignal },
): Promise<Readable> => {
  let url = new URL(source);
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    if (!/^https?:$/.test(url.protocol)) throw new DownloadError(source, `it leads to ${url.protocol}`, 400);
    const isOwn = rules !== undefined && url.origin === new URL(rules.rootUrl).origin;
    const isGuarded = rules !== undefined && !rules.allowsPrivate && !isOwn;
    const response = await get(url, { isGuarded, signal }).catch((error: Error) => {
      signal.throwIfAborted();
      throw error instanceof DownloadError ? error : new DownloadError(url.href, error.message);
    });
    const { statusCode = 0, headers } = response;
    if (statusCode >= 200 && statusCode < 300) return decoded(response);
    response.destroy();
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) {
      throw new DownloadError(url.href, `HTTP status ${statusCode}`, statusCode);
    }
    url = new URL(headers.location, url);
  }
  throw new DownloadError(source, `it is redirected more than ${redirectsMax} times`, 400);
};
