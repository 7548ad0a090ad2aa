import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
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

const decoders: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

const ask = (url: URL, signal: AbortSignal | undefined): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const headers = { 'accept-encoding': 'gzip' };
    const asked = request(url, { headers, ...(signal ? { signal } : {}) }, resolve);
    asked.setTimeout(silenceMaxMs, () => asked.destroy(new Error('nothing came for 5 minutes')));
    asked.on('error', reject).end();
  });

const isRedirect = ({ statusCode = 0, headers }: IncomingMessage): boolean =>
  [301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined;

/**
 * GETs a URL and follows redirects. Node's `fetch` ends without an error when a compressed body lacks its last bytes; here
 * such a body fails. Throws a DownloadError, with the status where there is one.
 */
export const openBytes = async (address: string, signal?: AbortSignal): Promise<OpenedBytes> => {
  let url = new URL(address);
  for (let redirects = 0; ; redirects++) {
    const response = await ask(url, signal).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw new DownloadError(address, reasonOf(error));
    });
    const { statusCode = 0, headers } = response;
    if (isRedirect(response) && redirects < redirectsMax) {
      response.resume();
      url = new URL(headers.location ?? '', url);
      continue;
    }
    if (statusCode >= 200 && statusCode < 300) return { bytes: decoded(response), headers };
    response.resume();
    throw new DownloadError(address, `HTTP status ${statusCode}`, statusCode);
  }
};

/** What went wrong while bytes were on their way, as a DownloadError where the server or the network is to blame. */
export const transferError = (address: string, error: unknown): unknown => {
  const isOfTransfer = /^(Z_|ECONN|ERR_STREAM_PREMATURE|ERR_BROTLI|HPE_)/.test(
    String((error as { code?: unknown })?.code),
  );
  return isOfTransfer ? new DownloadError(address, `the transfer broke off: ${reasonOf(error)}`) : error;
};

const decoded = (response: IncomingMessage): Readable => {
  const decoder = decoders[response.headers['content-encoding']?.toLowerCase() ?? ''];
  const bytes = decoder ? pipeline(response, decoder(), () => {}) : response;
  // It may fail before it is read; the reader gets the error then.
  return bytes.on('error', () => {});
};
