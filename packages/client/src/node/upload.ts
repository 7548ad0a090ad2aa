import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open as openFile, rm, stat } from 'node:fs/promises';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip, gzip, gzipSync } from 'node:zlib';
import { ConnectionError, reasonOf } from '../errors.ts';
import {
  type CreateArtifactsRequest,
  ObjectService,
  type PostArtifactResponse,
  type Queue,
} from '../generated/index.ts';
import { backOffMs, pause } from '../http.ts';

/** Bytes that can be read more than once: a file, or a buffer. */
export type Content = { readonly path: string } | { readonly bytes: Uint8Array };

export interface ArtifactUpload {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
  readonly expires: Date | string;
  readonly contentType: string;
  readonly content: Content;
  /** How to compress the content; only for artifacts of type `s3`. Default `identity`. */
  readonly contentEncoding?: 'identity' | 'gzip' | undefined;
  /** Default `s3`. */
  readonly storageType?: 's3' | 'object' | undefined;
}

/** The store refused the bytes. */
export class UploadError extends Error {
  readonly statusCode: number;
  constructor(url: string, statusCode: number, text: string) {
    super(`${new URL(url).origin} refused the upload with HTTP status ${statusCode}: ${text.slice(0, 500)}`);
    this.name = 'UploadError';
    this.statusCode = statusCode;
  }
}

const gzipInMemory = promisify(gzip);

const open = (content: Content): Readable =>
  'path' in content ? createReadStream(content.path) : Readable.from([content.bytes]);

const lengthOf = async (content: Content): Promise<number> =>
  'path' in content ? (await stat(content.path)).size : content.bytes.byteLength;

interface Put {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly content: Content;
  readonly signal: AbortSignal | undefined;
}

const readText = async (stream: Readable): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

/** One PUT. `fetch` would send a stream in chunks; stores such as S3 demand a Content-Length. */
const putOnce = ({ url, headers, content, signal }: Put): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const start = url.startsWith('https:') ? requestHttps : requestHttp;
    const request = start(url, { method: 'PUT', headers, ...(signal ? { signal } : {}) }, (response) => {
      readText(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    request.on('error', reject);
    if ('bytes' in content) request.end(content.bytes);
    else pipeline(open(content), request).catch(reject);
  });

const put = async (wanted: Put, retries = 5): Promise<void> => {
  for (let tries = 0; ; tries++) {
    const result = await putOnce(wanted).catch((error: unknown) => {
      if (wanted.signal?.aborted) throw wanted.signal.reason;
      return new ConnectionError(wanted.url, reasonOf(error), error);
    });
    if (!(result instanceof ConnectionError)) {
      if (result.status < 300) return;
      const refusal = new UploadError(wanted.url, result.status, result.text);
      if (result.status < 500 || tries >= retries) throw refusal;
    } else if (tries >= retries) throw result;
    await pause(backOffMs(tries, { firstDelayMs: 200, delayMaxMs: 10_000 }), wanted.signal);
  }
};

// Most artifacts are small: they are read once, and need no copy on disk.
const inMemoryBytesMax = 256 * 1024;

/** A small file as its bytes, other content as it is. A file that grows meanwhile is not read beyond its size. */
const readIfSmall = async (content: Content): Promise<Content> => {
  if (!('path' in content)) return content;
  const file = await openFile(content.path);
  try {
    const { size } = await file.stat();
    if (size > inMemoryBytesMax) return content;
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    return { bytes: bytes.subarray(0, bytesRead) };
  } finally {
    await file.close();
  }
};

const readAtOnceBytes = 64 * 1024;

/** Reads into one buffer again and again: a stream would allocate as much as the file is long. */
const compressFile = async (from: string, to: string): Promise<void> => {
  const file = await openFile(from);
  const compressing = createGzip();
  const written = pipeline(compressing, createWriteStream(to, { mode: 0o600 }));
  // It may fail while nothing waits for it; the next wait hears of it.
  written.catch(() => undefined);
  const bytes = Buffer.allocUnsafe(readAtOnceBytes);
  const handOn = (size: number): Promise<void> =>
    new Promise((resolve, reject) => {
      compressing.write(bytes.subarray(0, size), (error) => (error ? reject(error) : resolve()));
    });
  try {
    for (;;) {
      const { bytesRead } = await file.read(bytes, 0, bytes.length);
      if (bytesRead === 0) break;
      // A full disk ends the wait for room in the stream.
      await Promise.race([handOn(bytesRead), written]);
    }
    compressing.end();
    await written;
  } catch (error) {
    compressing.destroy();
    throw error;
  } finally {
    await file.close();
  }
};

/** Calls the function with a compressed copy of the content, and deletes the copy afterwards. */
const withGzip = async (content: Content, use: (compressed: Content) => Promise<void>): Promise<void> => {
  if ('bytes' in content) return use({ bytes: await gzipInMemory(content.bytes) });
  const path = join(tmpdir(), `taskyard-upload-${randomUUID()}.gz`);
  try {
    await compressFile(content.path, path);
    await use({ path });
  } finally {
    await rm(path, { force: true });
  }
};

const sha256Of = async (content: Content): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(open(content), hash);
  return hash.digest('hex');
};

const uploadToS3 = async (
  upload: ArtifactUpload,
  reply: Extract<PostArtifactResponse, { storageType: 's3' }>,
  signal: AbortSignal | undefined,
): Promise<void> => {
  const putBytes = async (content: Content, encoding: Record<string, string>): Promise<void> => {
    const length = { 'content-length': String(await lengthOf(content)) };
    const headers = { 'content-type': upload.contentType, ...length, ...encoding };
    await put({ url: reply.putUrl, headers, content, signal });
  };
  const content = await readIfSmall(upload.content);
  if (upload.contentEncoding !== 'gzip') return putBytes(content, {});
  await withGzip(content, (compressed) => putBytes(compressed, { 'content-encoding': 'gzip' }));
};

const inlineBytesMax = 8192;

const uploadToObjects = async (
  queue: Queue,
  {
    upload,
    reply,
  }: { upload: ArtifactUpload; reply: Extract<PostArtifactResponse, { storageType: 'object' }> },
  signal: AbortSignal | undefined,
): Promise<void> => {
  const { name, projectId, uploadId, expires, credentials } = reply;
  const { content, contentType, taskId, runId } = upload;
  const objects = new ObjectService({ ...queue.options, credentials, authorizedScopes: undefined });
  const contentLength = await lengthOf(content);
  const hashes = { sha256: await sha256Of(content) };
  const inline =
    contentLength <= inlineBytesMax
      ? { dataInline: { contentType, objectData: (await readBytes(content)).toString('base64') } }
      : {};
  const proposedUploadMethods = { ...inline, putUrl: { contentType, contentLength } };
  const { uploadMethod } = await objects.createUpload(name, {
    projectId,
    uploadId,
    expires,
    hashes,
    proposedUploadMethods,
  });
  if (uploadMethod.putUrl) {
    const { url, headers } = uploadMethod.putUrl;
    const length = { 'content-length': String(contentLength) };
    await put({ url, headers: { ...(headers as Record<string, string>), ...length }, content, signal });
  } else if (!uploadMethod.dataInline) {
    throw new Error('The object service agreed to no way of uploading.');
  }
  await objects.finishUpload(name, { projectId, uploadId, hashes });
  await queue.finishArtifact(taskId, runId, upload.name, { uploadId });
};

const readBytes = async (content: Content): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of open(content)) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
};

/** The most bytes, as they are stored, that come along with an artifact for `createArtifacts`. */
export const contentBytesMax = 8192;

/** Compresses at most 8 KiB, with no more memory than that needs. In the background each would cost ten times as much. */
const gzipFew = (bytes: Uint8Array): Buffer => {
  const windowBits = Math.min(13, Math.max(9, 32 - Math.clz32(bytes.length)));
  return gzipSync(bytes, { windowBits, memLevel: windowBits - 8, chunkSize: 1024 });
};

/**
 * An artifact of type `s3` for `createArtifacts`, together with its bytes; undefined when they are too many to come along.
 */
export const artifactWithContent = (
  upload: Pick<ArtifactUpload, 'name' | 'expires' | 'contentType' | 'contentEncoding'>,
  bytes: Uint8Array,
): CreateArtifactsRequest['artifacts'][number] | undefined => {
  const { name, contentType, contentEncoding } = upload;
  const isCompressed = contentEncoding === 'gzip';
  if (bytes.length > contentBytesMax) return undefined;
  const stored = isCompressed ? gzipFew(bytes) : Buffer.from(bytes);
  if (stored.length > contentBytesMax) return undefined;
  const content = {
    base64: stored.toString('base64'),
    sha256: createHash('sha256').update(stored).digest('hex'),
    ...(isCompressed ? { contentEncoding: 'gzip' as const } : {}),
  };
  const expires = upload.expires instanceof Date ? upload.expires.toJSON() : upload.expires;
  return { name, artifact: { storageType: 's3', expires, contentType }, content };
};

/** Creates an artifact and uploads its bytes. Safe to repeat with the same content. */
export const uploadArtifact = async (
  queue: Queue,
  upload: ArtifactUpload,
  signal?: AbortSignal,
): Promise<void> => {
  const { taskId, runId, name, contentType, storageType = 's3' } = upload;
  const expires = upload.expires instanceof Date ? upload.expires.toJSON() : upload.expires;
  const reply = await queue.createArtifact(
    taskId,
    runId,
    name,
    { storageType, expires, contentType },
    { signal },
  );
  if (reply.storageType === 's3') await uploadToS3(upload, reply, signal);
  else if (reply.storageType === 'object') await uploadToObjects(queue, { upload, reply }, signal);
  else throw new Error(`The queue answered with an artifact of type ${reply.storageType}.`);
};
