import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type ClientRequest, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConnectionError, reasonOf } from '../errors.ts';
import { backOffMs, pause } from '../http.ts';

/** Bytes that can be read more than once: a file, or a buffer. */
export type Content = { readonly path: string } | { readonly bytes: Uint8Array };

/** The store refused the bytes. */
export class UploadError extends Error {
  readonly statusCode: number;
  constructor(url: string, statusCode: number, text: string) {
    super(`${new URL(url).origin} refused the upload with HTTP status ${statusCode}: ${text.slice(0, 500)}`);
    this.name = 'UploadError';
    this.statusCode = statusCode;
  }
}

/** A signed request that stores bytes. */
export interface SignedPut {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Range {
  readonly start: number;
  readonly length: number;
}

export interface Put {
  readonly signed: SignedPut;
  /** Signs the request once more, when a store that took the first one refuses a later attempt: it has expired meanwhile. */
  renew(): Promise<SignedPut>;
  /** Whether the first attempt may already be too late for it. */
  readonly isSignedBefore?: boolean;
  readonly content: Content;
  /** The part of the content to send; all of it by default. */
  readonly range?: Range | undefined;
  readonly signal: AbortSignal | undefined;
  /** How long a store may neither take nor send a byte; then the attempt has failed. */
  readonly silenceMaxMs: number;
}

export const lengthOf = async (content: Content): Promise<number> =>
  'path' in content ? (await stat(content.path)).size : content.bytes.byteLength;

/** Reads a part of a file. Fails when there is less: the store would wait for the rest. */
const open = ({ path }: { readonly path: string }, { start, length }: Range): Readable => {
  if (length === 0) return Readable.from([]);
  let left = length;
  const counting = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      left -= chunk.length;
      done(null, chunk);
    },
    flush: (done) => done(left > 0 ? new Error(`${path} has become shorter`) : null),
  });
  // It may have grown since its length was read.
  const file = createReadStream(path, { start, end: start + length - 1 });
  pipeline(file, counting).catch(() => {});
  return counting;
};

const readText = async (stream: Readable): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly etag: string;
}

/** One PUT. `fetch` would send a stream in chunks; stores such as S3 demand a Content-Length. */
const putOnce = async ({ signed, content, signal, silenceMaxMs, ...more }: Put): Promise<Reply> => {
  const { range = { start: 0, length: await lengthOf(content) } } = more;
  const headers = { ...signed.headers, 'content-length': String(range.length) };
  const start = signed.url.startsWith('https:') ? requestHttps : requestHttp;
  const options = { method: 'PUT', headers, timeout: silenceMaxMs, ...(signal ? { signal } : {}) };
  return new Promise((resolve, reject) => {
    const request: ClientRequest = start(signed.url, options, (response) => {
      const { statusCode: status = 0, headers: replied } = response;
      void readText(response)
        .then((text) => resolve({ status, text, etag: String(replied.etag ?? '') }), reject)
        // A store may refuse before it has read everything. Nobody reads the rest.
        .finally(() => request.writableFinished || request.destroy());
    });
    request.on('error', reject);
    request.on('timeout', () => {
      request.destroy(new Error(`nothing was taken or sent for ${silenceMaxMs / 1000} s`));
    });
    if ('bytes' in content) request.end(content.bytes.subarray(range.start, range.start + range.length));
    else pipeline(open(content, range), request).catch(reject);
  });
};

/**
 * Refusals with a status below 500 that pass: the store did not get all bytes in time, is busy with the same key, or asks
 * for fewer requests.
 */
const passingCodes = /<Code>(RequestTimeout|IncompleteBody|OperationAborted|SlowDown)<\/Code>/;
const passingStatuses: readonly number[] = [408, 429];

const mayPass = ({ status, text }: Reply): boolean =>
  status >= 500 || passingStatuses.includes(status) || passingCodes.test(text);

/** What a store says of a signature that it accepted before. */
const isExpired = ({ status, text }: Reply): boolean =>
  status === 403 || text.includes('<Code>ExpiredToken</Code>');

const retries = 5;

/**
 * Stores bytes, with more attempts while the store is away, slow or overloaded; returns its `etag` of them. Throws UploadError
 * when it refuses them, and ConnectionError when it cannot be reached or does not get them to the end.
 */
export const put = async (wanted: Put): Promise<string> => {
  let signed = wanted.signed;
  for (let tries = 0; ; tries++) {
    const result = await putOnce({ ...wanted, signed }).catch((error: unknown) => {
      if (wanted.signal?.aborted) throw wanted.signal.reason;
      return new ConnectionError(signed.url, reasonOf(error), error);
    });
    if (!(result instanceof ConnectionError)) {
      if (result.status < 300) return result.etag;
      const isLate = (tries > 0 || wanted.isSignedBefore === true) && isExpired(result);
      if ((!isLate && !mayPass(result)) || tries >= retries) throw failureOf(signed.url, result);
      if (isLate) signed = await wanted.renew();
    } else if (tries >= retries) throw result;
    await pause(backOffMs(tries, { firstDelayMs: 200, delayMaxMs: 10_000 }), wanted.signal);
  }
};

/** A refusal that passes says nothing about the bytes, though its status may be one that does for callers who try later. */
const failureOf = (url: string, reply: Reply): Error => {
  const { status, text } = reply;
  return mayPass(reply) && status < 500 && status !== 429
    ? new ConnectionError(url, `HTTP status ${status}: ${text.slice(0, 500)}`)
    : new UploadError(url, status, text);
};
