import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { DownloadError } from '../artifacts.ts';
import { reasonOf } from '../errors.ts';

/** What a URL leads to. */
export interface OpenedBytes {
  /** The content, decoded. It fails if the server sends less than all of it, compressed or not. */
  readonly bytes: Readable;
  readonly headers: IncomingHttpHeaders;
}

const redirectsMax = 10;
const silenceMaxMs = 300_000;

const decoders: ReadonlyMap<string | undefined, () => Duplex> = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with the address, and with each that it is redirected to. Throws for one that must not be reached. What it returns
   * looks up the name of the host.
   */
  readonly admit?: ((url: URL) => LookupFunction | undefined) | undefined;
}

const ask = (url: URL, { signal, admit }: OpenOptions): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const lookup = admit?.(url);
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const options = {
      headers: { accept: '*/*', 'accept-encoding': 'gzip', 'user-agent': 'taskyard' },
      ...(signal ? { signal } : {}),
      // A connection that is kept alive might belong to another address.
      ...(lookup ? { lookup, agent: false as const } : {}),
    };
    const asked = request(url, options, resolve);
    asked.setTimeout(silenceMaxMs, () => asked.destroy(new Error('nothing came for 5 minutes')));
    asked.on('error', reject).end();
  });

/** Where a response leads instead; undefined when it leads nowhere else. */
const redirectionOf = ({ statusCode = 0, headers }: IncomingMessage): string | undefined =>
  [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined;

/** An address as a URL of a kind that can be opened. `lastStatus` is that of the server which named it. */
const urlOf = (address: string, { base, lastStatus }: { base: string; lastStatus: number }): URL => {
  if (!URL.canParse(address, base)) throw new DownloadError(base, 'it leads to no URL', lastStatus);
  const url = new URL(address, base);
  if (/^https?:$/.test(url.protocol)) return url;
  throw new DownloadError(base, `it leads to ${url.protocol}`, lastStatus);
};

/**
 * GETs a URL and follows redirects. Node's `fetch` ends without an error when a compressed body lacks its last bytes; here
 * such a body fails. Throws a DownloadError, with the status where there is one.
 */
export const openBytes = async (address: string, options: OpenOptions = {}): Promise<OpenedBytes> => {
  let url = urlOf(address, { base: address, lastStatus: 400 });
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const response = await ask(url, options).catch((error: unknown) => {
      options.signal?.throwIfAborted();
      throw error instanceof DownloadError ? error : new DownloadError(url.href, reasonOf(error));
    });
    const { statusCode = 0, headers } = response;
    if (statusCode >= 200 && statusCode < 300) return { bytes: decoded(response), headers };
    response.destroy();
    const next = redirectionOf(response);
    if (next === undefined) throw new DownloadError(url.href, `HTTP status ${statusCode}`, statusCode);
    url = urlOf(next, { base: url.href, lastStatus: statusCode });
  }
  throw new DownloadError(address, `it is redirected more than ${redirectsMax} times`, 400);
};

/** Whether bytes broke off on their way, for which the server or the network is to blame. */
export const isBrokenOff = (error: unknown): boolean =>
  /^(Z_|ECONN|ERR_STREAM_PREMATURE|ERR_BROTLI|HPE_)/.test(String((error as { code?: unknown })?.code));

/** What went wrong while bytes were on their way, as a DownloadError where the server or the network is to blame. */
export const transferError = (address: string, error: unknown): unknown =>
  isBrokenOff(error) ? new DownloadError(address, `the transfer broke off: ${reasonOf(error)}`) : error;

const decoded = (response: IncomingMessage): Readable => {
  const decoder = decoders.get(response.headers['content-encoding']?.toLowerCase());
  const bytes = decoder ? pipeline(response, decoder(), () => {}) : response;
  // It may fail before it is read; the reader gets the error then.
  return bytes.on('error', () => {});
};
